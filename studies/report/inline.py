"""A picture made part of a page: only shapes and text, no styles or scripts, ids of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"
SHAPES = {"svg", "g", "defs", "path", "use", "clipPath", "rect", "text", "tspan"}
PLAIN = {"d", "x", "y", "width", "height", "transform", "viewBox", "clip-path", "id"}
LOOKS = {
    "fill",
    "fill-opacity",
    "fill-rule",
    "font-size",
    "font-style",
    "font-weight",
    "opacity",
    "stroke",
    "stroke-dasharray",
    "stroke-dashoffset",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-miterlimit",
    "stroke-opacity",
    "stroke-width",
    "text-anchor",
}
_FONT = re.compile(r"(?:(italic|oblique) )?(?:(bold|[1-9]00) )?([\d.]+)px")


def inline(svg: bytes, name: str, label: str) -> str:
    """The picture as an element of HTML, as wide as there is room.

    What styles it becomes attributes, so that a page needs to allow no inline style; whatever is neither a
    shape nor text is left out. `name` begins its ids, which no other picture of the page has then; `label` is
    what those hear who don't see it.
    """
    root = ElementTree.fromstring(svg)
    made = _copied(root, name)
    for attribute in ("width", "height", "id"):
        made.attrib.pop(attribute, None)
    made.attrib |= {"role": "img", "aria-label": label}
    return ElementTree.tostring(made, encoding="unicode")


def _copied(node: ElementTree.Element, name: str) -> ElementTree.Element:
    made = ElementTree.Element(node.tag.removeprefix(SVG), dict(_attributes(node, name)))
    made.text, made.tail = node.text, None
    children = (child for child in node if isinstance(child.tag, str))
    made.extend(_copied(child, name) for child in children if child.tag.removeprefix(SVG) in SHAPES)
    return made


def _attributes(node: ElementTree.Element, name: str) -> Iterator[tuple[str, str]]:
    for key, value in node.attrib.items():
        if key == "id":
            yield "id", f"{name}-{value}"
        elif key == HREF and value.startswith("#"):
            yield "href", f"#{name}-{value[1:]}"
        elif key in PLAIN:
            yield key, re.sub(r"url\(#([^)]*)\)", rf"url(#{name}-\1)", value)
        elif key in LOOKS:
            yield key, value
        elif key == "style":
            yield from _looks(value)


def _looks(style: str) -> Iterator[tuple[str, str]]:
    """An inline style as attributes; fonts are the page's."""
    for said in style.split(";"):
        key, _, value = (part.strip() for part in said.partition(":"))
        if key == "font" and (font := _FONT.match(value)):
            parts = zip(("font-style", "font-weight", "font-size"), font.groups(), strict=True)
            yield from ((part, found) for part, found in parts if found)
        elif key in LOOKS and "url(" not in value:
            yield key, value.removesuffix("px")
