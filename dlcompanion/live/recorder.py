"""A Matplotlib renderer that writes down what it is told to draw, for the browser to draw again.

A display list is one `bytes` object: the length of a JSON head (uint32), the head, and what the
head's entries need, in their order. The head holds a table of paths (int16 coordinates, curve codes
of one byte), a table of styles (clip path, fill, stroke, pen), and the operations: stamp path p in
style s at so many offsets (int16), or paint an image (bytes). Coordinates are CSS pixels with y
pointing down.
"""

import functools
import json
from collections.abc import Iterable

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Affine2D, Bbox

from dlcompanion import style

COORDINATES_PER_PIXEL = 16  # int16 reaches 2047 px, more than any figure
FARTHEST = 2000.0  # px; areas that reach beyond are clipped first
FEW = 30  # points; longer lines lose those that lie within 1/9 px of a straight way
CURVED = (Path.CURVE3, Path.CURVE4, Path.CLOSEPOLY)
MARGIN = 64.0  # px kept around the clip box; all beyond it is invisible


class Recorder(RendererBase):
    """Record one picture of a figure of `width` by `height` pixels at `dpi`."""

    def __init__(self, width: float, height: float, dpi: float):
        super().__init__()
        self.width, self.height, self.dpi = width, height, dpi
        self._flip = Affine2D().scale(1, -1).translate(0, height)
        self._styles, self._paths = {}, {}  # style or path -> its index
        self._operations = []  # [path, style, count, offsets] or [-1, style, head, pixels]

    # What Matplotlib asks of every renderer.
    def get_canvas_width_height(self):
        return self.width, self.height

    def points_to_pixels(self, points):
        return points * self.dpi / 72

    def get_text_width_height_descent(self, *text):
        return _measure_text(self.dpi, *text)

    def option_scale_image(self):
        return True

    def draw_path(self, gc, path, transform, rgbFace=None):
        clip, is_line = self._visible(gc), rgbFace is None
        path = path.cleaned(
            self._to_pixels(transform),
            remove_nans=True,
            clip=clip if is_line else None,
            simplify=is_line and len(path.vertices) > FEW and not np.isin(path.codes, CURVED).any(),
            curves=True,
            stroke_width=self.points_to_pixels(gc.get_linewidth()),
            snap=gc.get_snap(),
        )
        vertices, codes = path.vertices[:-1], path.codes[:-1]  # the last is a mere STOP
        is_point = codes != Path.CLOSEPOLY  # the vertex beside that code means nothing
        if not is_line and np.abs(vertices[is_point]).max(initial=0.0) > FARTHEST:
            path = Path(vertices[is_point], codes[is_point]).clip_to_bbox(Bbox.from_extents(clip))
            vertices, codes = path.vertices, path.codes
        self._stamp(gc, rgbFace, _shape(vertices, codes), np.zeros((1, 2)))

    def draw_markers(self, gc, marker_path, marker_trans, path, trans, rgbFace=None):
        if len(path.vertices) == 1 and not path.vertices.any():  # a collection of one path
            place = Affine2D().translate(*trans.transform(path.vertices)[0])
            return self.draw_path(gc, marker_path, marker_trans + place, rgbFace)
        offsets = self._to_pixels(trans).transform(path.vertices)
        clip = self._visible(gc)
        offsets = offsets[np.all((offsets >= clip[:2]) & (offsets <= clip[2:]), axis=1)]
        vertices = marker_trans.transform(marker_path.vertices) * [1, -1]
        if len(vertices) == 2 and gc.get_snap() is not False:  # a tick goes on the pixel grid
            offsets = np.floor(offsets + 0.5) + 0.5
        self._stamp(gc, rgbFace, _shape(vertices, marker_path.codes), offsets)

    def draw_text(self, gc, x, y, s, prop, angle, ismath=False, mtext=None):
        gc.set_linewidth(0)
        if max(abs(x), abs(y)) < FARTHEST:
            outline = _outline(self.points_to_pixels(1), s, prop, angle, ismath)
            self._stamp(gc, gc.get_rgb(), outline, np.array([[x, y]]))

    def draw_image(self, gc, x, y, im, transform=None):
        height, width = im.shape[:2]
        to_figure = Affine2D().translate(x, y)
        if transform is not None:
            to_figure = Affine2D().scale(1 / width, 1 / height) + transform + to_figure
        matrix = self._to_pixels(to_figure).get_matrix()[:2].T.round(4).ravel().tolist()
        palette, pixels = _palette_image(np.ascontiguousarray(im))
        head = [width, height, matrix, palette, gc.get_alpha() or 1.0]
        self._operations.append([-1, _index(self._styles, (self._clip(gc),)), head, pixels])

    def _refuse(self, *_):
        raise NotImplementedError("the live canvas draws no hatches, sketches, shading or filters")

    draw_gouraud_triangles = start_filter = _refuse

    # The display list.
    def encode(self, **head) -> bytes:
        """Return the display list; `head` adds entries such as the sentence of a frame."""
        paths = [[len(shape) // 4, scale, int(bool(codes))] for shape, scale, codes in self._paths]
        operations = [operation[:3] for operation in self._operations]
        head |= {"styles": list(self._styles), "paths": paths, "operations": operations}
        text = json.dumps(head, separators=(",", ":"), ensure_ascii=False).encode()
        body = [shape + codes for shape, _, codes in self._paths]
        body += [data for *_, data in self._operations]
        return b"".join([len(text).to_bytes(4, "little"), text, *body])

    def _stamp(self, gc, rgbFace, shape, offsets):
        entry = self._style(gc, rgbFace)
        if entry is None or shape is None or not len(offsets):
            return
        start, outline = shape
        path, style_index = _index(self._paths, outline), _index(self._styles, entry)
        if not (self._operations and self._operations[-1][:2] == [path, style_index]):
            self._operations.append([path, style_index, 0, b""])
        self._operations[-1][2] += len(offsets)
        self._operations[-1][3] += _quantize(offsets + start, COORDINATES_PER_PIXEL)

    def _style(self, gc: GraphicsContextBase, rgbFace) -> tuple | None:
        if gc.get_hatch() is not None or gc.get_sketch_params() is not None:
            self._refuse()
        if rgbFace is not None and (gc.get_forced_alpha() or len(rgbFace) == 3):
            rgbFace = (*rgbFace[:3], gc.get_alpha())
        width = self.points_to_pixels(gc.get_linewidth())
        fill = None if rgbFace is None else _colour(*rgbFace)
        stroke = _colour(*gc.get_rgb()) if width > 0 else None
        offset, dashes = gc.get_dashes()
        dashes = [round(self.points_to_pixels(part), 2) for part in (offset or 0, *(dashes or ()))]
        cap = gc.get_capstyle().replace("projecting", "square")  # as the browser calls it
        pen = stroke and (round(width, 3), cap, gc.get_joinstyle(), *dashes)
        return (self._clip(gc), fill, stroke, pen) if fill or stroke else None

    def _to_pixels(self, transform) -> Affine2D:
        return Affine2D(self._flip.get_matrix() @ transform.get_matrix())

    def _clip(self, gc) -> int | None:
        """Return the index of the clip's outline among the paths, if there is a clip."""
        (path, transform), box = gc.get_clip_path(), gc.get_clip_rectangle()
        if path is not None:
            outline = path.to_polygons(transform + self._flip, closed_only=False)[0]
        elif box is not None:
            outline = self._flip.transform(box.corners()[[0, 2, 3, 1]])
        else:
            return None
        scale = COORDINATES_PER_PIXEL
        return _index(self._paths, (_quantize(outline, scale), scale, b""))

    def _visible(self, gc) -> tuple[float, float, float, float]:
        """Return left, top, right, bottom of what a clip, or the figure, shows, and a margin."""
        box = gc.get_clip_rectangle() or Bbox.from_extents(0, 0, self.width, self.height)
        x0, y0, x1, y1 = box.padded(MARGIN).extents.tolist()
        return x0, self.height - y1, x1, self.height - y0


def record(figure: Figure, artists: Iterable[Artist] | None = None, **head) -> bytes:
    """Record a whole figure without its animated artists, or only the given artists.

    Args:
        figure: its size in pixels is the size of the canvas; its layout must be settled.
        artists: drawn in order of their z-order; None draws the figure itself.
        head: extra entries of the head, JSON values.
    """
    recorder = Recorder(figure.bbox.width, figure.bbox.height, figure.dpi)
    for artist in [figure] if artists is None else sorted(artists, key=Artist.get_zorder):
        artist.draw(recorder)
    return recorder.encode(**head)


@functools.lru_cache(maxsize=1024)
def _measure_text(dpi: float, *text) -> tuple[float, float, float]:
    return RendererBase.get_text_width_height_descent(Recorder(1, 1, dpi), *text)


@functools.lru_cache(maxsize=1024)  # most words of a frame stand in the next one too
def _outline(pixels_per_point: float, text: str, prop, angle: float, ismath) -> tuple | None:
    vertices, codes = text_to_path.get_text_path(prop, text, ismath=ismath)
    scale = pixels_per_point * prop.get_size_in_points() / text_to_path.FONT_SCALE
    to_pixels = Affine2D().rotate_deg(angle).scale(scale, -scale)
    return _shape(to_pixels.transform(vertices), np.array(codes))


def _shape(vertices: np.ndarray, codes: np.ndarray | None) -> tuple | None:
    """Return where an outline starts, and what `encode` needs of it; None for an empty one."""
    if not len(vertices):
        return None
    shape = vertices - vertices[0]
    curved = codes is not None and np.any(codes[1:] != Path.LINETO)
    if curved:
        shape[codes == Path.CLOSEPOLY] = 0.0
    extent = np.abs(shape).max()  # the finer, the smaller it is: glyphs and markers
    scale = next((s for s in (128, 64, 32) if extent * s < 32767), COORDINATES_PER_PIXEL)
    codes = codes.astype(np.uint8).tobytes() if curved else b""
    return vertices[0], (_quantize(shape, scale), scale, codes)


def _index(table: dict, key) -> int:
    return table.setdefault(key, len(table))


def _quantize(pixels: np.ndarray, scale: int) -> bytes:
    return np.rint(pixels * scale).astype("<i2").tobytes()  # in range: clipped to FARTHEST


@functools.lru_cache(maxsize=1024)
def _colour(red: float, green: float, blue: float, alpha: float = 1.0) -> tuple | None:
    """Return a colour as the browser names it, a token of the theme or #rrggbb, and its alpha."""
    name = "#{:02x}{:02x}{:02x}".format(*(round(255 * part) for part in (red, green, blue)))
    return (style.THEME.get(name, name), round(float(alpha), 3)) if alpha > 0 else None


def _palette_image(rgba: np.ndarray) -> tuple[list | None, bytes]:
    """Return an image of at most 256 colours as palette and indices, any other as RGBA."""
    colours, indices = np.unique(rgba.view("<u4"), return_inverse=True)
    if len(colours) > 256:
        return None, rgba.tobytes()
    return colours.tolist(), indices.astype(np.uint8).tobytes()
