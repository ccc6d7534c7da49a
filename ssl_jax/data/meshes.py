"""Files of meshes -> triangles. OFF is read here; other formats by trimesh, the extra [meshes]."""

import io
from itertools import islice

import numpy as np

try:
    import trimesh
except ImportError:  # only formats other than OFF need it
    trimesh = None

SUFFIXES = (".off", ".obj", ".ply", ".stl")
"""How the names of meshes end."""
WITHOUT = "needs the package trimesh: pip install 'ssl_jax[meshes]'"


def triangles(data: bytes, suffix: str) -> np.ndarray:
    """The surface of a mesh: float32 [m, 3, 3], the corners of each triangle; polygons are cut into fans.

    suffix: of its name, in lower case. Raises ValueError, in one sentence, for a file that is empty, cut off or no
    mesh, for one without faces or area, and for corners that are not finite.
    """
    if not data.strip():
        raise ValueError("the file is empty")
    vertices, faces = _off(data) if suffix == ".off" else _by_trimesh(data, suffix)
    if not len(faces):
        raise ValueError("the mesh has no faces")
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise ValueError(f"a face of the mesh has a corner that is none of its {len(vertices)} vertices")
    with np.errstate(over="ignore"):
        corners = vertices[faces].astype(np.float32)
    if not np.isfinite(corners).all():
        raise ValueError("the mesh has corners that are not finite")
    if not areas(corners).sum() > 0:
        raise ValueError("the surface of the mesh has no area")
    return corners


def areas(corners: np.ndarray) -> np.ndarray:
    """Of each triangle: [m, 3, 3] -> float64 [m]."""
    a, b, c = corners.astype(np.float64).swapaxes(0, 1)
    return np.linalg.norm(np.cross(b - a, c - a), axis=-1) / 2


def _off(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """(vertices [n, 3], faces [m, 3]) of an OFF file in text, also where its counts stand on its first line.

    The counts must be there in full: other readers make a smaller mesh of a file that is cut off.
    """
    rows = (row for row in (line.partition(b"#")[0].split() for line in data.splitlines()) if row)
    first = next(rows, [b""])
    kind, found, glued = first[0].partition(b"OFF")  # ModelNet has "OFF490 518 0"
    if not found or kind not in (b"", b"C", b"N", b"CN"):
        raise ValueError("an OFF file begins with OFF")
    try:
        counts = [part for part in (glued, *first[1:]) if part] or next(rows, [])
        many, polygons = int(counts[0]), int(counts[1])
        vertices = np.array([row[:3] for row in islice(rows, many)], np.float64).reshape(-1, 3)
        corners = [row[: 1 + int(row[0])] for row in islice(rows, polygons)]
        whole = all(len(own) == 1 + int(own[0]) > 3 for own in corners)
        fans = [(own[1], own[k], own[k + 1]) for own in corners for k in range(2, len(own) - 1)]
        faces = np.array(fans, np.int64).reshape(-1, 3)
    except (ValueError, IndexError) as error:
        raise ValueError(f"the OFF file is damaged or cut off: {error}") from error
    if len(vertices) < many or len(corners) < polygons or not whole:
        there = f"{len(vertices)} of its {many} vertices and {len(corners)} of its {polygons} faces"
        raise ValueError(f"the OFF file is damaged or cut off, with {there}")
    return vertices, faces


def _by_trimesh(data: bytes, suffix: str) -> tuple[np.ndarray, np.ndarray]:
    if trimesh is None:
        raise ValueError(f"a mesh in {suffix} {WITHOUT}")
    options = {"skip_materials": True} if suffix == ".obj" else {}
    try:
        mesh = trimesh.load_mesh(io.BytesIO(data), file_type=suffix[1:], process=False, **options)
        return np.asarray(mesh.vertices), np.asarray(mesh.faces, np.int64)
    except Exception as error:  # its readers raise of every kind
        raise ValueError(f"the file cannot be read as {suffix}: {error}") from error
