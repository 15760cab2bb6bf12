"""Words too common to search by, a short closed-class list for each language.

They are kept here, not taken from an engine, so that every engine leaves out the same
words. Articles, pronouns, prepositions, conjunctions and auxiliaries only: what a question
is phrased with, not what it asks about. Elided forms (l', d', qu', 's, n't) are listed as
the single letters that the word pattern leaves of them.
"""

from collections.abc import Mapping

_LISTS: Mapping[str, str] = {
    "en": (
        "a about above after again against all am an and any are as at be because been before "
        "being below between both but by can could did do does doing down during each few for "
        "from further had has have having he her here hers herself him himself his how i if in "
        "into is it its itself just ll me more most my myself no nor not now of off on once only "
        "or other our ours ourselves out over own re s same she should so some such t than that "
        "the their theirs them themselves then there these they this those through to too under "
        "until up us ve very was we were what when where which while who whom why will with would "
        "you your yours yourself yourselves d m"
    ),
    "de": (
        "aber als am an auch auf aus bei bin bis bist da das dass dein dem den der des dessen die "
        "dies diese diesem diesen dieser dieses doch du durch ein eine einem einen einer eines er "
        "es euer für gegen habe haben hat hatte ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im "
        "in ins ist ja kein keine man mein mich mir mit nach nicht noch nun nur ob oder ohne sein "
        "seine seinem seinen seiner sich sie sind so über um und uns unser unter vom von vor war "
        "waren was weil welche welchem welchen welcher welches wenn wer werde werden wie wir wird "
        "wo wurde wurden zu zum zur"
    ),
    "fr": (
        "a à ai as au aux avait avec avoir c ce ces cet cette d dans de des du elle elles en est "
        "et être eu il ils j je l la le les leur leurs lui m ma mais me même mes moi mon n ne "
        "nos notre nous on ont ou où par pas pour qu que quel quelle quelles quels qui s sa sans "
        "se ses soit son sont sur t ta te tes toi ton tu un une vos votre vous y était"
    ),
    "es": (
        "a al algo ante como con contra cual cuál cuáles cuando cuándo de del desde donde dónde e "
        "el él ella ellas ellos en entre era eran es esa ese eso esta está están este esto estos "
        "estas fue fueron ha había han hasta hay la las le les lo los me mi mis muy más ni no nos "
        "o os para pero por porque que qué quien quién quienes se ser si sí sin sobre son su sus "
        "también te tu tú u un una unas uno unos y ya yo"
    ),
    "pt": (
        "a à ao aos as às até com como da das de dela dele deles do dos e é ela elas ele eles em "
        "entre era essa esse esta está este eu foi foram há isso isto já lhe mais mas me mesmo "
        "meu minha muito na nas nem no nos não nós o onde os ou para pela pelas pelo pelos por "
        "qual quais quando que quem se sem ser seu seus sua suas são só também te tem ter um uma "
        "você à"
    ),
    "it": (
        "a ad agli ai al alla alle allo anche c che chi ci co come con cui d da dagli dai dal "
        "dalla dalle dallo de degli dei del dell della delle dello di dove e è ed era erano essere "
        "fu gli ha hanno i il in io l la le lei li lo loro lui ma mi ne negli nei nel nell nella "
        "nelle nello noi non o ogni per perché più quale quali quando quella quello questa questo "
        "quello se si sia sono su sua sue sugli sui sul sulla sulle suo suoi tra tu un una uno vi "
        "voi"
    ),
    "nl": (
        "aan al als bij dan dat de der die dit door een en er ge had heb hebben heeft hem het hier "
        "hij hoe hun ik in is je kan maar me men met mij mijn na naar niet nog nu of om omdat ons "
        "onze ook op over te toen tot u uit uw van veel voor waar want was wat we welke wel werd "
        "wie wij wordt zal ze zich zij zijn zo zonder"
    ),
    "sv": (
        "alla allt att av blev bli blir de dem den denna deras dess det detta dig din du där då "
        "efter ej eller en er ett från för ha hade han hans har hon hur här i icke inte jag med "
        "mellan men mig min mot måste när någon några och om oss på sin sina sitt ska så som till "
        "under upp ut utan vad var vara varje vem vi vid vilka vilken vilket vår är över"
    ),
    "da": (
        "af alle at blev blive bliver da de dem den denne der deres det dette dig din du efter "
        "eller en end er et for fra få ham han hans har havde hen hende her hos hun hvad hvem hvis "
        "hvor hvordan hvorfor i ikke ind jeg jo kunne man med men mig min mod ned nogle nu når og "
        "også om op os over på sig sin skal skulle som til ud under var vi vil være været"
    ),
    "no": (
        "alle at av ble bli blir da de dei dem den denne der dere deres det dette din du eller en "
        "enn er et ett for fra før ha hadde han hans har hennes her hos hun hva hvem hvilken "
        "hvilke hvor hvordan hvorfor i ikke inn jeg kan kom man med meg men mot mellom mitt noen "
        "nå når og også om opp oss på seg sin sitt skal som så til ut var ved vi vil være vært vår"
    ),
    "fi": (
        "ei eivät ette ettei että han he hän hänen ja jo joka jos jotka johon jossa kanssa kuin "
        "kuka kun me mikä missä mitä mutta myös me minun minä mukaan ne niin nyt näin nämä olemme "
        "oli olivat olla olen on ovat se sekä sen siinä sitä tai te tuo tämä tämän vai vaan vain"
    ),
    "hu": (
        "a abban ahol ahogy aki akik ami amely amelyek az azok azt be csak de e egy ebben el ez "
        "ezek ezt ha hanem hogy hogyan hol is itt ki kik le meg mely melyik mi miért mikor mint "
        "mit nem ne s sem és ő ők ott szerint vagy van vannak volt voltak"
    ),
    "ro": (
        "a acea acest acesta această ai al ale am ar are aș așa au ca care ce cea cei cel cele "
        "cine cu cum când da dar de despre deși din doar după e ea ei el ele era este eu fi fie "
        "fost i iar in își la le li lor lui mai mea mei nu o pe pentru prin sa sale sau se si sunt "
        "să și te tot tu un una unde unei unor unui va în îi îl între"
    ),
    "ru": (
        "а без бы был была были было быть в вам вас во вот все всех вы где да даже для до его ее "
        "если есть еще же за и из или им их к как какая какие какое какой каком ко когда кого "
        "который которая которое которые которых кто ли меня мне мы на над нас не него нее нет "
        "ни них но о об однако он она они оно от по под при с со так также там то того тоже той "
        "только том ты у уже чего чем что чтобы эта эти это этого этой этом этот я"
    ),
    "tr": (
        "acaba ama ancak ben beni bir biz bu bunu bunun çok da daha de değil diye en gibi hangi "
        "hem her için ile ise ki kim mi mı mu mü nasıl ne neden nerede o olan olarak oldu olduğu "
        "olur onlar onu onun sen şey siz şu var ve veya ya yok"
    ),
    "el": (
        "αλλά αν αυτά αυτή αυτό από για δε δεν είναι είχε εκεί ένα έναν ένας επίσης η ήταν θα και "
        "κατά με μας μετά μη μην μια μία μου να ο οι όπως όταν ότι ου που πού ποια ποιος ποιο προς "
        "πως πώς σας σε στα στη στην στις στο στον στους τα τη την της τι τις το τον του τους των "
        "ως ή"
    ),
    "ar": (
        "ال إذا إلى أما أن أنا أنت أو أي أين التي الذي الذين إن إنه به بها بين ثم حتى حيث ذلك عن "
        "على عند عندما في فيه فيها قد كان كانت كل كما كيف لا لم لماذا لن له لها ما ماذا مع من منذ "
        "منه منها متى هذا هذه هل هم هو هي و ولا يكون"
    ),
    "ta": "அந்த அது அவர் அவர்கள் இந்த இது இருந்து உள்ள எந்த என என்ன என்று என்பது எப்படி ஒரு தான் மற்றும் யார்",
    "hi": (
        "अपना अपनी अपने इन इस इसका इसकी इसके इसे उन उस उसका उसकी उसके उसे एक एवं ओर और क्या का कि "
        "किस किसी की कुछ के को कोई कौन कब कहाँ कैसे क्यों जब जहाँ जो तक तो था थी थे द्वारा न नहीं ने पर "
        "भी में यह या ये रहा रही रहे लिए व वह वे से हम हुआ हुई हुए है हैं हो होता होती होते"
    ),
    "id": (
        "ada adalah akan apa apakah atau bagaimana bagi bahwa bisa dalam dan dapat dari dengan di "
        "dia hanya ia ini itu jika juga kami kapan karena ke kita mana mengapa mereka oleh pada "
        "para saat saja saya sebagai secara seperti serta siapa sudah telah tentang tersebut "
        "tidak untuk yaitu yang"
    ),
    "vi": (
        "ai bao bằng bị các cái của cho có cùng cũng do đã đang đâu đến để điều được gì hay hoặc "
        "là lại lúc mà một nào này như nhưng những nó ra rằng rất sẽ tại theo thì trên trong từ "
        "và vào vì với về"
    ),
}

STOP_WORDS: Mapping[str, tuple[str, ...]] = {
    language: tuple(sorted(set(words.split()))) for language, words in _LISTS.items()
}
"""Stop words by language, lower case, accented as they are written."""
