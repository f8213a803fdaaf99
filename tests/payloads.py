"""Texts that would run, load, link, format or reorder if anything on the way to the page took text for something else.

Each that could run says so by a dialog; each that could load asks a host that does not exist.
"""

_HOST = "//payload.invalid/x"

_ELEMENTS = (
    "<script>alert('{n}')</script>",
    f"<script src={_HOST}></script>",
    "<img src=x onerror=alert('{n}')>",
    f"<img src={_HOST}>",
    f"<img srcset='{_HOST} 2x'>",
    "<svg onload=alert('{n}')>",
    "<svg><script>alert('{n}')</script></svg>",
    "<svg><animate onbegin=alert('{n}') attributeName=x dur=1s></svg>",
    "<svg><set onbegin=alert('{n}')></svg>",
    f"<svg><image href={_HOST} /></svg>",
    f"<svg><use href={_HOST}#a /></svg>",
    "<svg><a href=javascript:alert('{n}')><text y=20>svg link</text></a></svg>",
    "<svg><foreignObject><body onload=alert('{n}')></foreignObject></svg>",
    "<math><mtext><img src=x onerror=alert('{n}')></mtext></math>",
    "<math href=javascript:alert('{n}')>math link</math>",
    "<iframe src=javascript:alert('{n}')></iframe>",
    f"<iframe src={_HOST}></iframe>",
    "<iframe srcdoc='<script>parent.alert({n})</script>'></iframe>",
    f"<object data={_HOST}></object>",
    f"<embed src={_HOST}>",
    "<video src=x onerror=alert('{n}')></video>",
    "<audio src=x onerror=alert('{n}')></audio>",
    f"<video poster={_HOST}></video>",
    "<body onload=alert('{n}')>",
    "<details open ontoggle=alert('{n}')><summary>fold</summary></details>",
    "<input autofocus onfocus=alert('{n}')>",
    "<textarea autofocus onfocus=alert('{n}')></textarea>",
    "<select autofocus onfocus=alert('{n}')></select>",
    "<marquee onstart=alert('{n}')>moving</marquee>",
    "<div contenteditable autofocus onfocus=alert('{n}')>edit</div>",
    f"<form action={_HOST}><button>send</button></form>",
    "<button formaction=javascript:alert('{n}')>send</button>",
    "<a href=javascript:alert('{n}')>link</a>",
    f"<a href={_HOST} ping={_HOST}>link</a>",
    f"<base href={_HOST}>",
    f"<meta http-equiv=refresh content='0;url={_HOST}'>",
    f"<link rel=stylesheet href={_HOST}>",
    f"<style>@import '{_HOST}';</style>",
    "<style>* { display: none !important }</style>",
    f"<div style='background: url({_HOST})'>styled</div>",
    "<div style='position: fixed; inset: 0; background: red; z-index: 99'>cover</div>",
    f"<table background={_HOST}><tr><td>cell</td></tr></table>",
    "<template><script>alert('{n}')</script></template>",
    "<noscript><img src=x onerror=alert('{n}')></noscript>",
    "<x-y onpointerenter=alert('{n}') style='display: block'>custom</x-y>",
    "<button data-event=clear>clear</button>",
    "<button data-event=cite data-turn=1 data-number=1>cite</button>",
    "<h1>not a heading</h1>",
)
_AROUND = ("{0}", '">{0}', "</mark></article></p></div>{0}<!--")

_LINKS = (
    "[a](javascript:alert('{n}'))",
    "[a](JaVaScRiPt:alert('{n}'))",
    "[a](data:text/html,<script>alert('{n}')</script>)",
    "[a](vbscript:msgbox(1))",
    f"[a]({_HOST})",
    f"![b](https:{_HOST}.png)",
    f"![b]({_HOST} 'title' onload=alert(1))",
    f"<https:{_HOST}>",
    f"https:{_HOST}",
    f"[a][ref]\n\n[ref]: https:{_HOST}",
    "[^1]: not a footnote of ours",
    "said so.[1][2][^1]",
    "mailto:someone@payload.invalid",
)
_TEMPLATES = (
    "${alert('{n}')}",
    "`${alert('{n}')}`",
    "{{constructor.constructor('alert({n})')()}}",
    "{{{value}}} {{#each value}}x{{/each}} {{> partial}}",
    "{% for x in y %}{{ x }}{% endfor %}",
    "<%= 7 * 7 %> <%- include('x') %>",
    "#{7 * 7} *{7 * 7} @{7 * 7} @(7 * 7)",
    "@children {value} {elem_id} %s %(name)s {0} {} {value.__class__}",
    "$& $1 $$ $` $' $<name>",
    "{@html alert('{n}')} {#if true}x{/if}",
    "v-html=alert('{n}') x-data=alert('{n}') ng-init=alert('{n}')",
    "$x^2$ $$\\frac{1}{2}$$ \\(y\\) \\[z\\] \\href{javascript:alert(1)}{x}",
    "```mermaid\ngraph TD; A-->B\n``` ~~~js\nalert('{n}')\n~~~",
)
_MARKS = (
    "# heading\n## heading",
    "**bold** __bold__ *it* _it_ ~~gone~~ `code`",
    "- a\n- b\n1. c\n> quote\n---\n***",
    "| a | b |\n|---|---|\n| c | d |",
    "&amp; &lt;b&gt; &#60;script&#62; &NotEqualTilde; &#x0;",
    "\\n \\u0041 \\x3cscript\\x3e '\" \\' \\\"",
    "]]> <![CDATA[ x ]]> <?xml version='1.0'?> <!DOCTYPE x>",
    "<!-- comment --> <!--> -->",
    "</script><script>alert('{n}')</script>",
    "</textarea></title></style></noscript></iframe>",
    "<<script>alert('{n}')//<</script>",
    "<scr<script>ipt>alert('{n}')</scr</script>ipt>",
    "<img/src=x/onerror=alert('{n}')>",
    "<img src=x onerror\n=\nalert('{n}')>",
    "<IMG SRC=x ONERROR=alert('{n}')>",
    "＜script＞alert('{n}')＜/script＞",
    "\"onfocus=alert('{n}') autofocus x=\"",
    "'onfocus=alert('{n}') autofocus x='",
    "javascript:alert('{n}')",
    "file:///etc/passwd /gradio_api/file=/etc/passwd",
    "../../../../etc/passwd ..\\..\\windows\\win.ini",
    "'; DROP TABLE passage; -- \" OR 1=1",
    "() { :; }; $(id) `id` | id ; id && id",
)
_LETTERS = (
    "emoji 👩‍👩‍👧 🇩🇪 é é 𝒳",
    "RTL שלום עולם مرحبا بالعالم (مرحبا) <b>",
    "Z̸͓̈a̴̹͆l̵̰̋g̸̲̈́o̶̧͠ " * 4,
    "W" * 300,
    "a/" * 200,
    "\t tabs\tand   blanks ",
    "ﷺ﷽ 𒐫 ௵ ﷻ" * 5,
    "none None null undefined NaN true [object Object]",
)

PAYLOADS = tuple(
    text.replace("{n}", str(number))
    for number, text in enumerate(
        (
            *(around.format(element) for element in _ELEMENTS for around in _AROUND),
            *_LINKS,
            *_TEMPLATES,
            *_MARKS,
            *_LETTERS,
        )
    )
)
