"""``winnow keys``, with a server and without."""

from tests.cli.test_serving import serving
from tests.conftest import Winnow


def test_keys_are_made_used_and_revoked(winnow: Winnow) -> None:
    """Without a server first; then one serves every host, and demands them."""
    text = winnow.folder / "tide.txt"
    text.write_text("The tide rises.")
    assert winnow("ingest", str(text)).code == 0
    refused = winnow("serve", "--host", "0.0.0.0", "--port", "0")
    assert (refused.code, "winnow keys create" in refused.err) == (2, True)
    assert winnow("keys", "create", "shop").code == 2
    made = winnow("keys", "create", "operations", "--role", "admin")
    assert (made.code, "shown this once" in made.err) == (0, True)
    admin = made.out.strip()
    with serving(winnow, "--host", "0.0.0.0"):
        assert winnow("keys", "list").code == 2
        shop = winnow("keys", "create", "shop", "--json", WINNOW_KEY=admin).json()
        assert winnow("search", "tide", WINNOW_KEY=shop["key"]).code == 0
        assert winnow("collections", "list", WINNOW_KEY=shop["key"]).code == 2
        listed = winnow("keys", "list", WINNOW_KEY=admin)
        assert [line.split()[1] for line in listed.out.splitlines()] == ["role", "admin", "search"]
        assert admin not in listed.out
        assert winnow("keys", "revoke", shop["id"], WINNOW_KEY=admin).code == 0
        assert winnow("keys", "revoke", shop["id"], WINNOW_KEY=admin).code == 1
    (left,) = winnow("keys", "list", "--json").json()
    assert (left["name"], left["role"]) == ("operations", "admin")
    gone = winnow("keys", "revoke", left["id"], "--json")
    assert gone.json() == {"revoked": left["id"]}
