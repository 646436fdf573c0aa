"""The pictures of deploy/tutorial/README.md: two windows side by side, light and dark."""
import base64
import pathlib

from harness import ROOT

TUTORIAL = ROOT / "deploy" / "tutorial"

_PAGE = """<!DOCTYPE html><meta charset="utf-8"><style>
  body {{ margin: 0; display: flex; gap: 16px; padding: 16px; background: {back}; }}
  figure {{ margin: 0; overflow: hidden; border: 1px solid {line}; border-radius: 10px; }}
  figcaption {{ display: flex; align-items: center; gap: 6px; height: 30px; padding: 0 12px; background: {bar};
               color: {text}; font: 12px system-ui, sans-serif; border-bottom: 1px solid {line}; }}
  i {{ width: 9px; height: 9px; border-radius: 50%; background: {line}; }}
  figcaption span {{ margin-left: 8px; }}
  img {{ display: block; }}
</style>{figures}"""

_FIGURE = """<figure><figcaption><i></i><i></i><i></i><span>{title}</span></figcaption>
<img src="data:image/png;base64,{image}"></figure>"""

_COLOURS = {
    False: {"back": "#d9dde5", "bar": "#f7f8fa", "line": "#c3c9d4", "text": "#68707f"},
    True: {"back": "#06080c", "bar": "#12151c", "line": "#2f3644", "text": "#929bab"},
}


class Album:
    """Makes pictures. They are kept, and made for the dark, too, if there is a folder for them."""

    def __init__(self, browser, folder=None, size=(420, 470)):
        self._browser, self._folder, self._size = browser, folder, size

    def take(self, name, *windows):
        """NAME.png and NAME-dark.png: these windows as they are now."""
        for is_dark in (False, True) if self._folder else (False,):
            shots = []
            for window in windows:
                window.resize(*self._size)
                window.dark(is_dark)
                shots.append((window.run("location.host"), window.screenshot()))
                window.dark(False)
            picture = self._side_by_side(shots, _COLOURS[is_dark])
            assert picture.startswith(b"\x89PNG")
            if self._folder:
                pathlib.Path(self._folder, f"{name}{'-dark' if is_dark else ''}.png").write_bytes(picture)

    def _side_by_side(self, shots, colours):
        # The port is another one each time that this is made, and 8080 for most readers.
        figures = "".join(_FIGURE.format(title=host.split(":")[0] + ":8080", image=base64.b64encode(shot).decode())
                          for host, shot in shots)
        width, height = self._size
        window = self._browser.open("about:blank", width=len(shots) * (width + 18) + 16, height=height + 65)
        try:
            window.run("(document.open(), document.write(arguments[0]), document.close(), true)",
                       _PAGE.format(figures=figures, **colours))
            window.wait("[...document.images].every((image) => image.complete)")
            return window.screenshot()
        finally:
            window.close()
