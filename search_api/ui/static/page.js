// Makes the page quicker to use. Everything here also works without it, by links and forms.
// Answers are rendered by the server; this script only moves them into place.
"use strict";

(() => {
  const DEBOUNCE_MS = 180;
  const DEFAULTS = { mode: "hybrid", rerank: "auto", sort: "", q: "", browse: "" };
  const root = document.documentElement;
  const form = document.getElementById("search");
  const field = document.getElementById("q");
  const answer = document.getElementById("answer");
  const live = document.getElementById("live");
  const shortcuts = document.getElementById("shortcuts");

  let latest = 0; // number of the newest fetch: answers to older ones are discarded
  let running = null; // its AbortController
  let timer = 0;
  let shown = addressHere(); // what the page shows, or soon will
  let settled = shown; // what Back should lead to from here

  root.classList.add("js");

  // Without the fragment: the skip link changes that, and nothing else.
  function addressHere() {
    return location.href.split("#")[0];
  }

  // The address of what the form says, without what is as usual.
  function typedUrl() {
    const url = new URL("/", location.href);
    for (const [name, value] of new FormData(form)) {
      if (value !== (DEFAULTS[name] ?? "")) url.searchParams.append(name, value);
    }
    if (field.value.trim() === "") url.searchParams.delete("q");
    else url.searchParams.delete("browse");
    return url.href;
  }

  async function load(url) {
    const number = ++latest;
    shown = url;
    running?.abort();
    running = new AbortController();
    root.classList.add("busy");
    answer.setAttribute("aria-busy", "true");
    let fragment;
    try {
      fragment = await fetchFragment(url, running.signal);
    } catch {
      fragment = document.getElementById("unreachable").content.firstElementChild.cloneNode(true);
    }
    if (number !== latest) return false;
    show(fragment);
    return true;
  }

  async function fetchFragment(url, signal) {
    const address = new URL(url);
    address.searchParams.set("fragment", "1");
    const response = await fetch(address, { signal });
    // Parsed apart from the page: no script in it could run, and there is none.
    const parsed = new DOMParser().parseFromString(await response.text(), "text/html");
    const fragment = parsed.querySelector(".fragment");
    if (!fragment) throw new Error("not an answer of the page");
    return document.adoptNode(fragment);
  }

  function show(fragment) {
    const focused = answer.contains(document.activeElement) ? document.activeElement : null;
    const open = new Set(
      Array.from(answer.querySelectorAll("details[open]"), (each) => each.dataset.keep ?? each.className),
    );
    for (const each of fragment.querySelectorAll(".filters, [data-keep]")) {
      if (open.has(each.dataset.keep ?? each.className)) each.open = true;
    }
    answer.replaceChildren(fragment);
    answer.removeAttribute("aria-busy");
    root.classList.remove("busy");
    root.dataset.view = fragment.dataset.view;
    document.title = fragment.dataset.title ?? document.title;
    live.textContent = fragment.dataset.live;
    if (focused) restoreFocus(focused);
  }

  // A control that was replaced by its successor hands its focus on.
  function restoreFocus(focused) {
    const successor = Array.from(answer.querySelectorAll("input, select")).find(
      (each) =>
        each.name === focused.name && (each.type === "select-one" || each.value === focused.value),
    );
    (successor ?? answer).focus({ preventScroll: true });
  }

  // While typing the address follows in place.
  function follow() {
    clearTimeout(timer);
    const url = typedUrl();
    if (url === shown) return;
    history.replaceState(null, "", url);
    load(url);
  }

  // A choice that Back takes back: what typing replaced is put back below it.
  async function go(url, { toTop = false } = {}) {
    clearTimeout(timer);
    history.replaceState(null, "", settled);
    if (url !== settled) history.pushState(null, "", url);
    settled = url;
    if ((await load(url)) && toTop) {
      window.scrollTo(0, 0);
      answer.focus({ preventScroll: true });
    }
  }

  field.addEventListener("input", (event) => {
    clearTimeout(timer);
    if (!event.isComposing) timer = setTimeout(follow, DEBOUNCE_MS);
  });
  field.addEventListener("compositionend", () => {
    clearTimeout(timer);
    timer = setTimeout(follow, DEBOUNCE_MS);
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go(typedUrl());
  });

  answer.addEventListener("change", (event) => {
    if (event.target.form === form) go(typedUrl());
  });

  // Links of the page to the page: pages, suggestions, filters taken back, collections.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("#answer a, .brand");
    const modified = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
    if (!link || event.defaultPrevented || modified || event.button !== 0) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || url.pathname !== "/") return;
    event.preventDefault();
    field.value = url.searchParams.get("q") ?? "";
    go(url.href, { toTop: true });
    if (link.matches(".brand")) field.focus();
  });

  window.addEventListener("popstate", () => {
    if (addressHere() === shown) return;
    clearTimeout(timer);
    settled = addressHere();
    field.value = new URL(settled).searchParams.get("q") ?? "";
    load(settled);
  });

  // Keyboard

  function move(step) {
    const results = Array.from(answer.querySelectorAll(".result"));
    const place = results.indexOf(document.activeElement?.closest(".result"));
    const next = place + step;
    if (next < 0 && place >= 0) {
      field.focus();
      return;
    }
    results[Math.min(Math.max(next, 0), results.length - 1)]?.focus();
  }

  function onField(event) {
    if (event.key === "ArrowDown" && answer.querySelector(".result")) {
      event.preventDefault();
      move(1);
    } else if (event.key === "Escape" && field.value !== "") {
      event.preventDefault();
      field.value = "";
      follow();
    }
  }

  function openResult(result) {
    const link = result.querySelector(".title");
    if (link) link.click();
    else toggle(result, ".full") || toggle(result, ".why");
  }

  function toggle(result, selector) {
    const details = result?.querySelector(selector);
    if (details) details.open = !details.open;
    return Boolean(details);
  }

  const onResult = {
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Escape: () => field.focus(),
    e: (result) => toggle(result, ".why"),
  };

  const anywhere = {
    "/": () => {
      field.focus();
      field.select();
    },
    j: () => move(1),
    k: () => move(-1),
    "?": () => shortcuts.togglePopover?.(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.metaKey || event.ctrlKey || event.altKey) return;
    const focused = document.activeElement;
    if (focused === field) {
      onField(event);
      return;
    }
    if (focused?.matches("input:not([type=checkbox], [type=radio]), select, textarea")) return;
    if (shortcuts.matches(":popover-open") && event.key !== "?") return;
    const result = focused?.closest(".result");
    if (event.key === "Enter") {
      if (!result || focused !== result) return;
      event.preventDefault();
      openResult(result);
      return;
    }
    const action = (result && onResult[event.key]) || anywhere[event.key];
    if (!action) return;
    event.preventDefault();
    action(result);
  });
})();
