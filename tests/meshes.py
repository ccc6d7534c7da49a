"""Small meshes as files, for tests."""

import numpy as np

CORNERS = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
SIDES = ((0, 1, 3, 2), (4, 5, 7, 6), (0, 1, 5, 4), (2, 3, 7, 6), (0, 2, 6, 4), (1, 3, 7, 5))


def box(*lengths: float) -> str:
    """A box of six rectangles, in OFF."""
    return off(CORNERS * np.array(lengths or (1, 1, 1)), SIDES)


def off(vertices, faces) -> str:
    """Vertices and faces of any number of corners, in OFF."""
    lines = [" ".join(map(str, row)) for row in vertices]
    lines += [" ".join(map(str, (len(face), *face))) for face in faces]
    return "\n".join((f"OFF\n{len(vertices)} {len(faces)} 0", *lines)) + "\n"


def folder(root, count: int = 6):
    """ModelNet's layout: flat and long boxes, `count` for training and two to test of each class."""
    for name, shape in (("flat", (1, 1, 0.1)), ("long", (1, 0.1, 0.1))):
        for split, many in (("train", count), ("test", 2)):
            place = root / name / split
            place.mkdir(parents=True)
            for k in range(many):
                lengths = np.array(shape) * (1 + 0.1 * k)
                (place / f"{name}_{k}.off").write_text(box(*lengths))
    return root
