"""A Matplotlib renderer that writes down what it is told to draw, for the browser to draw again.

A display list is one `bytes` object: the length of a JSON head (uint32), the head, int16
coordinates, then single bytes (curve codes, image pixels). The head holds a table of styles, a
table of paths, and the operations: stamp path p in style s at so many offsets, or paint an image.
Coordinates are CSS pixels with y pointing down.
"""

import json
from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, Bbox

from dlcompanion import style

COORDINATES_PER_PIXEL = 16  # int16 reaches 2047 px, more than any figure
FARTHEST = 2000.0  # px; areas that reach beyond are clipped first
MARGIN = 64.0  # px kept around the clip box; all beyond it is invisible
STRAIGHT, CURVED = 0, 1
THEME_COLOURS = {style.INK: "ink", style.PAPER: "paper", style.GRID: "grid"}


class Recorder(RendererBase):
    """Record one picture of a figure of `width` by `height` pixels at `dpi`."""

    def __init__(self, width: float, height: float, dpi: float):
        super().__init__()
        self.width, self.height, self.dpi = width, height, dpi
        self._flip = Affine2D().scale(1, -1).translate(0, height)
        self._styles, self._paths = {}, {}  # style or path -> its index
        self._operations = []  # [path, style, offsets] or [-1, style, image head]
        self._images = []

    # What Matplotlib asks of every renderer.
    def get_canvas_width_height(self):
        return self.width, self.height

    def points_to_pixels(self, points):
        return points * self.dpi / 72

    def option_scale_image(self):
        return True

    def draw_path(self, gc, path, transform, rgbFace=None):
        clip = self._clip_box(gc)
        path = path.cleaned(
            self._to_pixels(transform),
            remove_nans=True,
            clip=None if rgbFace is not None else clip,
            simplify=rgbFace is None and path.should_simplify,
            curves=True,
            stroke_width=self.points_to_pixels(gc.get_linewidth()),
            snap=gc.get_snap(),
        )
        if np.abs(path.vertices).max(initial=0.0) > FARTHEST:
            path = _clip_polygons(path, Bbox.from_extents(clip))
        drawn = path.codes != Path.STOP
        if drawn.any():
            self._stamp(gc, rgbFace, path.vertices[drawn], path.codes[drawn], np.zeros((1, 2)))

    def draw_markers(self, gc, marker_path, marker_trans, path, trans, rgbFace=None):
        if path.codes is not None:  # rare: markers on a curve sit at its end points only
            return super().draw_markers(gc, marker_path, marker_trans, path, trans, rgbFace)
        offsets = self._to_pixels(trans).transform(path.vertices)
        clip = self._clip_box(gc)
        offsets = offsets[np.all((offsets >= clip[:2]) & (offsets <= clip[2:]), axis=1)]
        vertices = marker_trans.transform(marker_path.vertices) * [1, -1]
        if len(vertices) == 2 and gc.get_snap() is not False:  # a tick goes on the pixel grid
            offsets = np.floor(offsets + 0.5) + 0.5
        if len(offsets):
            self._stamp(gc, rgbFace, vertices, marker_path.codes, offsets)

    def draw_image(self, gc, x, y, im, transform=None):
        height, width = im.shape[:2]
        to_figure = Affine2D().translate(x, y)
        if transform is not None:
            to_figure = Affine2D().scale(1 / width, 1 / height) + transform + to_figure
        matrix = self._to_pixels(to_figure).get_matrix()[:2].T.round(4).ravel().tolist()
        palette, pixels = _palette_image(np.ascontiguousarray(im))
        self._images.append(pixels)
        clip = self._clip(gc)
        head = [width, height, matrix, palette, gc.get_alpha() or 1.0]
        self._operations.append([-1, _index(self._styles, clip), head])

    def draw_gouraud_triangles(self, gc, triangles_array, colors_array, transform):
        raise NotImplementedError("the live canvas draws no Gouraud-shaded triangles")

    def start_filter(self):
        raise NotImplementedError("the live canvas applies no Agg filters")

    # The display list.
    def encode(self, **head) -> bytes:
        """Return the display list; `head` adds entries such as the sentence of a frame."""
        coordinates = [np.frombuffer(shape, "<i2") for _, shape, _ in self._paths]
        operations = []
        for path, style_index, rest in self._operations:
            if path < 0:
                operations.append([path, style_index, rest])
            else:
                operations.append([path, style_index, len(rest)])
                coordinates.append(_quantise(rest, COORDINATES_PER_PIXEL).ravel())
        tables = {
            "styles": list(self._styles),
            "paths": [
                [len(shape) // 4, scale, CURVED if codes else STRAIGHT]
                for scale, shape, codes in self._paths
            ],
            "operations": operations,
        }
        text = json.dumps(head | tables, separators=(",", ":"), ensure_ascii=False).encode()
        text += b" " * (-len(text) % 4)
        numbers = np.concatenate(coordinates or [np.empty(0, "<i2")]).astype("<i2").tobytes()
        tail = [codes for _, _, codes in self._paths] + self._images
        sizes = np.array([len(text), len(numbers)], "<u4").tobytes()
        return b"".join([sizes, text, numbers, *tail])

    def _stamp(self, gc, rgbFace, vertices, codes, offsets):
        entry = self._style(gc, rgbFace)
        if entry is None:
            return
        origin = vertices[0]
        shape = vertices - origin
        codes = np.full(len(shape), Path.LINETO) if codes is None else codes
        shape[codes == Path.CLOSEPOLY] = 0.0
        scale = _scale_for(shape)
        curved = b"" if np.all(codes[1:] == Path.LINETO) else codes.astype(np.uint8).tobytes()
        path = _index(self._paths, (scale, _quantise(shape, scale).tobytes(), curved))
        style_index = _index(self._styles, entry)
        last = self._operations[-1] if self._operations else [None, None, None]
        if last[:2] == [path, style_index]:
            last[2] = np.concatenate([last[2], offsets + origin])
        else:
            self._operations.append([path, style_index, offsets + origin])

    def _style(self, gc: GraphicsContextBase, rgbFace) -> tuple | None:
        if gc.get_hatch() is not None or gc.get_sketch_params() is not None:
            raise NotImplementedError("the live canvas draws no hatches and no sketch lines")
        if rgbFace is not None and (gc.get_forced_alpha() or len(rgbFace) == 3):
            rgbFace = (*rgbFace[:3], gc.get_alpha())
        width = self.points_to_pixels(gc.get_linewidth())
        fill = _colour(rgbFace)
        stroke = _colour(gc.get_rgb()) if width > 0 else None
        if fill is None and stroke is None:
            return None
        if stroke is None:
            return self._clip(gc), fill, None, None
        offset, dashes = gc.get_dashes()
        dashes = () if dashes is None else self.points_to_pixels(np.asarray(dashes)).tolist()
        pen = (
            round(width, 3),
            gc.get_capstyle(),
            gc.get_joinstyle(),
            tuple(round(dash, 2) for dash in dashes),
            round(self.points_to_pixels(offset or 0), 2),
        )
        return self._clip(gc), fill, stroke, pen

    def _to_pixels(self, transform) -> Affine2D:
        return Affine2D(self._flip.get_matrix() @ transform.get_matrix())

    def _clip(self, gc) -> tuple | None:
        path, transform = gc.get_clip_path()
        if path is not None:  # the polygon, as one flat list of x, y
            polygon = path.to_polygons(transform + self._flip, closed_only=False)[0]
            return tuple(polygon.round(2).ravel().tolist())
        box = gc.get_clip_rectangle()
        if box is None:
            return None
        x0, y0, x1, y1 = box.extents
        return tuple(round(float(v), 2) for v in (x0, self.height - y1, x1, self.height - y0))

    def _clip_box(self, gc) -> tuple[float, float, float, float]:
        box = gc.get_clip_rectangle()
        x0, y0, x1, y1 = (0, 0, self.width, self.height) if box is None else box.extents
        return x0 - MARGIN, self.height - y1 - MARGIN, x1 + MARGIN, self.height - y0 + MARGIN


def record(figure: Figure, artists: Iterable[Artist] | None = None, **head) -> bytes:
    """Record a whole figure without its animated artists, or only the given artists.

    Args:
        figure: its size in pixels is the size of the canvas; its layout must be settled.
        artists: drawn in order of their z-order; None draws the figure itself.
        head: extra entries of the head, JSON values.
    """
    recorder = Recorder(figure.bbox.width, figure.bbox.height, figure.dpi)
    if artists is None:
        figure.draw(recorder)
    else:
        for artist in sorted(artists, key=Artist.get_zorder):
            artist.draw(recorder)
    return recorder.encode(**head)


def read_head(display_list: bytes) -> Mapping:
    """Return the JSON head of a display list: its tables and what `record` was given to add."""
    size = int.from_bytes(display_list[:4], "little")
    return json.loads(display_list[8 : 8 + size])


def _index(table: dict, key) -> int:
    return table.setdefault(key, len(table))


def _quantise(pixels: np.ndarray, scale: int) -> np.ndarray:
    return np.rint(pixels * scale).astype("<i2")  # in range: all was clipped to FARTHEST


def _scale_for(shape: np.ndarray) -> int:
    """Return units per pixel: fine for glyphs and markers, coarser for what is wide."""
    extent = max(shape.max(), -shape.min())
    return next((scale for scale in (128, 64, 32) if extent * scale < 32767), COORDINATES_PER_PIXEL)


def _colour(rgba) -> tuple | None:
    """Return a colour as the browser names it, a token of the theme or #rrggbb, and its alpha."""
    red, green, blue, alpha = (*map(float, rgba), 1.0)[:4] if rgba is not None else (0, 0, 0, 0)
    if alpha == 0:
        return None
    name = "#{:02x}{:02x}{:02x}".format(*(round(255 * part) for part in (red, green, blue)))
    return THEME_COLOURS.get(name, name), round(alpha, 3)


def _clip_polygons(path: Path, box: Bbox) -> Path:
    """Clip filled areas that reach far beyond the canvas; their curves become polygons."""
    polygons = path.to_polygons(closed_only=True)
    clipped = [Path(polygon, closed=True).clip_to_bbox(box) for polygon in polygons]
    kept = [piece for piece in clipped if len(piece)]
    return Path.make_compound_path(*kept) if kept else Path(np.empty((0, 2)), np.empty(0, np.uint8))


def _palette_image(rgba: np.ndarray) -> tuple[list | None, bytes]:
    """Return an image of at most 256 colours as palette and indices, any other as RGBA."""
    colours, indices = np.unique(rgba.view("<u4"), return_inverse=True)
    if len(colours) > 256:
        return None, rgba.tobytes()
    return colours.tolist(), indices.astype(np.uint8).tobytes()
