"""The menus, banners and lists of links around what an HTML page is about: where they are, to leave them out.

The rules are few, so that what they do can be told:

1. A page that marks one element as its main content, or has one article, is that element, and a title above it,
   if it holds enough of the text.
2. Elsewhere menus are left out: what is marked as one, and headers, footers, asides and lists that are mostly links.
3. Nothing is left out that would take half of the prose along, or leave next to none: then what looks like a menu
   is what the page is about.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

_ENOUGH_OF_MAIN = 0.25  # of the letters that are not in links
_ENOUGH_OF_ARTICLE = 0.5
_MOSTLY = 0.5  # of the letters of a header, footer or aside are in links: it is a menu
_WHOLLY = 0.9  # so much of a list that stands for itself
_FEW = 3  # links make no list
_SHORT = 25  # letters of a link in a menu, on average: titles of works are longer
_PROSE = 250  # letters outside links that make a text
_BANNER_LETTERS = 2_000  # of a banner about cookies, at most

_MAIN = "main, [role=main]"
_OWN = "main, [role=main], article"  # headers and asides in these are about the same
_MARKED = "[role=navigation], [role=search], [role=banner], [role=contentinfo], [role=menu], [role=menubar]"
_AROUND = "header, footer, aside, [role=complementary]"
_CRUMBS = "[class*=breadcrumb], [id*=breadcrumb], [aria-label*=readcrumb]"
_NAMED = "div[class], div[id], section[class], section[id], aside[class], aside[id], form[class], form[id]"
_BANNER = re.compile(
    r"(?:cookie|consent|gdpr)[-_]?(?:banner|bar|box|consent|dialog|law|message|modal|notice|overlay|popup|wall)|onetrust",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _Weight:
    """How much a node says: letters, those of them in links, and how many links and titles (h1) there are."""

    letters: int = 0
    linked: int = 0
    links: int = 0
    titles: int = 0

    def add(self, other: "_Weight") -> None:
        """Make it that of both."""
        self.letters += other.letters
        self.linked += other.linked
        self.links += other.links
        self.titles += other.titles

    def can_spare(self, part: "_Weight") -> bool:
        """Whether what is left without a part is the text still."""
        prose, left = self.letters - self.linked, self.letters - part.letters
        left_prose = prose - part.letters + part.linked
        return left_prose * 2 >= prose and (left_prose >= _PROSE or left * 2 >= self.letters)

    @property
    def share(self) -> float:
        """Which share of the letters is in links."""
        return self.linked / self.letters if self.letters else 1.0


def walk(root: LexborNode | None, closed: Collection[int] = ()) -> Iterator[tuple[LexborNode, bool]]:
    """Each node as it begins and, with True, as it ends; of those `closed` (by `mem_id`) not what is in them.

    Depth first without recursion: a hostile page nests a hundred thousand levels.
    """
    stack = [(root, False)] if root is not None else []
    while stack:
        node, is_end = stack.pop()
        yield node, is_end
        if not is_end:
            stack.append((node, True))
            child = None if node.mem_id in closed else node.last_child
            while child is not None:
                stack.append((child, False))
                child = child.prev


def contents(tree: LexborHTMLParser) -> list[LexborNode]:
    """The nodes of a page that are to be read, in order; what is a menu in them is taken out of the tree."""
    body = tree.body
    if body is None:
        return []
    weights = _weights(body)
    whole = weights[body.mem_id]
    own = _inside(body, {node.mem_id for node in tree.css(_OWN)})
    menus = {node.mem_id for node in _menus(tree, weights, own) if whole.can_spare(weights[node.mem_id])}
    outermost = [node for node, is_end in walk(body, menus) if is_end and node.mem_id in menus]
    together = _Weight()
    for node in outermost:
        together.add(weights[node.mem_id])
    if outermost and whole.can_spare(together):
        for node in outermost:
            node.decompose()
        weights = _weights(body)
    return _main(tree, weights, weights[body.mem_id]) or [body]


def _weights(body: LexborNode) -> dict[int, _Weight]:
    """The weight of each element, by its `mem_id`."""
    weights: dict[int, _Weight] = {}
    above: list[_Weight] = [_Weight()]
    links = 0  # that the node is in
    for node, is_end in walk(body):
        if node.is_text_node:
            if not is_end:
                letters = sum(map(len, (node.text_content or "").split()))
                above[-1].letters += letters
                above[-1].linked += letters if links else 0
        elif not is_end:
            links += node.tag == "a"
            weights[node.mem_id] = _Weight(links=int(node.tag == "a"), titles=int(node.tag == "h1"))
            above.append(weights[node.mem_id])
        else:
            links -= node.tag == "a"
            weight = above.pop()
            above[-1].add(weight)
    return weights


def _inside(body: LexborNode, marked: Collection[int]) -> set[int]:
    """The nodes that are one of those marked or lie in one."""
    inside: set[int] = set()
    depth = 0
    for node, is_end in walk(body) if marked else ():
        is_marked = node.mem_id in marked
        depth += is_marked and not is_end
        if depth:
            inside.add(node.mem_id)
        depth -= is_marked and is_end
    return inside


def _menus(tree: LexborHTMLParser, weights: dict[int, _Weight], own: Collection[int]) -> Iterator[LexborNode]:
    """What is no part of what the page is about; some of it may lie in other."""
    for selector, is_menu in (
        (_MARKED, lambda _node, _weight: True),
        (_CRUMBS, lambda _node, weight: weight.share > _MOSTLY),
        (_NAMED, _is_banner),
        (_AROUND, lambda node, weight: weight.share > _MOSTLY and not weight.titles and node.mem_id not in own),
        ("ul, ol", lambda node, weight: node.mem_id not in own and _is_list_of_links(node, weight)),
    ):
        for node in tree.css(selector):
            if node.mem_id in weights and is_menu(node, weights[node.mem_id]):
                yield node


def _is_banner(node: LexborNode, weight: _Weight) -> bool:
    """Whether a node is called as a banner about cookies is, and no longer than one."""
    names = f"{node.attributes.get('class') or ''} {node.attributes.get('id') or ''}"
    return weight.letters < _BANNER_LETTERS and bool(_BANNER.search(names))


def _is_list_of_links(node: LexborNode, weight: _Weight) -> bool:
    """Whether a list is of short links alone, without a heading of its own."""
    is_short = weight.links >= _FEW and weight.linked < _SHORT * weight.links
    before = node.prev
    while before is not None and before.is_text_node:
        before = before.prev
    is_headed = before is not None and (
        before.tag in ("h1", "h2", "h3", "h4", "h5", "h6", "dt") or (before.tag == "p" and _is_lead(before))
    )
    return is_short and weight.share > _WHOLLY and not is_headed


def _is_lead(paragraph: LexborNode) -> bool:
    """Whether a paragraph leads to what follows, such as "See also:"."""
    return paragraph.text().rstrip().endswith(":")


def _main(tree: LexborHTMLParser, weights: dict[int, _Weight], whole: _Weight) -> list[LexborNode]:
    """The main content, after the title where that stands above it; nothing where the page tells of none."""
    for selector, enough in ((_MAIN, _ENOUGH_OF_MAIN), ("article", _ENOUGH_OF_ARTICLE)):
        marked = [node for node in tree.css(selector) if node.mem_id in weights]
        if len(marked) == 1:
            weight = weights[marked[0].mem_id]
            if weight.letters > 0 and weight.letters - weight.linked >= enough * (whole.letters - whole.linked):
                titles = [title for title in tree.css("h1") if title.mem_id in weights]
                is_above = len(titles) == 1 and marked[0].css_first("h1") is None
                return [*(titles if is_above else ()), marked[0]]
    return []
