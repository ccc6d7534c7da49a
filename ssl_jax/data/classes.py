"""The classes of a test set as those of its training set: names decide, not numbers."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from ssl_jax.data.source import Source, labeled

OTHER = -2
"""The label of an example whose class the training set lacks; -1 is that of one without a class."""


def count(source: Source) -> int:
    """The number of classes: of their names, else the greatest label + 1; 0 where there are no labels."""
    return len(source.classes) or (0 if source.labels is None else int(source.labels.max(initial=-1)) + 1)


def alike(train: Source, test: Source) -> tuple[Source, tuple[str, ...]]:
    """The test set with its labels numbered as the training set's are, and sentences about what does not fit.

    A class that the training set lacks gets the label `OTHER`. Where one of the two has no names numbers decide. Raises
    ValueError where no class is in both, where one set has two classes of one name and the other has other names, or
    where numbers decide and are not equally many.
    """
    if train.multi_hot is not None and test.multi_hot is not None:
        return _columns_alike(train, test)
    if not labeled(train) or not labeled(test):
        return test, ()
    if not train.classes or not test.classes:
        return test, _numbered(train, test)
    if train.classes == test.classes:
        return test, ()
    for source in (train, test):
        _once(source)
    lacking = [name for name in test.classes if name not in train.classes]
    if len(lacking) == len(test.classes):
        raise ValueError(
            f"{test.name} and {train.name} have no class in common: {_some(lacking)} there, {_some(train.classes)} "
            "here; names decide, so give classes the same names or take another test set"
        )
    mapped = relabeled(test, train.classes)
    if not lacking:
        return mapped, ()
    many = "the examples" if test.labels is None else f"{int(np.sum(mapped.labels == OTHER)):,} examples"
    return mapped, (
        f"{many} of {test.name} in classes that {train.name} lacks take no part in any score: {_some(lacking)}",
    )


def joined(sources: Sequence[Source]) -> tuple[list[Source], tuple[str, ...]]:
    """The sources with labels that count in the classes of all, by name, and sentences about what does not fit.

    Classes come in the order of the sources. Where one of them has labels without names numbers decide, as in `alike`,
    which says what is refused; so is one whose labels have no names and are known by reading alone, beside one with
    labels. Sources without labels have none in the end.
    """
    known = [source for source in sources if labeled(source)]
    unknown = [source.name for source in sources if source.labels is None and not source.classes]
    if known and unknown:
        raise ValueError(
            f"{unknown[0]} may have labels in its records, without names of classes, so that they cannot be told from "
            f"those of {known[0].name}: convert it with `ssl-jax data convert`"
        )
    for source in known:
        _once(source)
    bare = next((source for source in known if not source.classes), None)
    if not known or bare:
        notes = [_numbered(bare, source) for source in known]
        names = next((source.classes for source in known if source.classes), ())
        return [source._replace(classes=names) for source in sources], tuple(dict.fromkeys(sum(notes, ())))
    names = tuple(dict.fromkeys(name for source in known for name in source.classes))
    return [relabeled(source, names) if labeled(source) else source._replace(classes=names) for source in sources], ()


def relabeled(source: Source, classes: tuple[str, ...]) -> Source:
    """The source with labels that count in `classes`, by name; `OTHER` for a name that is not among them."""
    place = {name: k for k, name in enumerate(classes)}
    numbers = np.array([*(place.get(name, OTHER) for name in source.classes), -1], np.int32)  # -1 stays at the end
    if numbers[:-1].tolist() == list(range(len(source.classes))):
        return source._replace(classes=classes)
    table = tf.constant(numbers)

    def renumbered(raw: tf.Tensor | dict, label: tf.Tensor) -> tuple[tf.Tensor | dict, tf.Tensor]:
        return raw, tf.gather(table, tf.where(label < 0, len(numbers) - 1, label))

    return source._replace(
        classes=classes,
        labels=None if source.labels is None else numbers[source.labels],
        read=source.read and (lambda index: renumbered(*source.read(index))),
        gather=source.gather and (lambda index: renumbered(*source.gather(index))),
        scan=source.scan and (lambda start, stop: source.scan(start, stop).map(renumbered)),
    )


def _columns_alike(train: Source, test: Source) -> tuple[Source, tuple[str, ...]]:
    """`alike` of examples of several classes: a column for each class of training, 0 where the test set lacks it."""
    for source in (train, test):
        _once(source)
    place = {name: k for k, name in enumerate(test.classes)}
    both = [(k, place[name]) for k, name in enumerate(train.classes) if name in place]
    if not both:
        raise ValueError(f"{test.name} and {train.name} have no class in common")
    known = np.zeros((test.size, len(train.classes)), np.int8)
    for here, there in both:
        known[:, here] = test.multi_hot[:, there]
    other = [name for name in test.classes if name not in train.classes]
    told = (f"classes of {test.name} that {train.name} lacks take no part in any score: {_some(other)}",)
    return test._replace(classes=train.classes, multi_hot=known), told if other else ()


def _once(source: Source) -> None:
    """ValueError where two classes have one name."""
    twice = sorted({name for name in source.classes if source.classes.count(name) > 1})
    if twice:
        raise ValueError(f"{source.name} has two classes called {twice[0]}, so that names cannot tell them apart")


def _numbered(train: Source, test: Source) -> tuple[str, ...]:
    """What to say where not both sets have names."""
    sizes = (count(train), count(test))
    if sizes[0] != sizes[1]:
        raise ValueError(
            f"{train.name} has {sizes[0]} classes and {test.name} {sizes[1]}, and not both have names by which they "
            "could be told apart: give both names, or take a test set with the same classes"
        )
    if train.classes or test.classes:
        named, other = (train, test) if train.classes else (test, train)
        return (f"{other.name} has no names of classes: its numbers are taken for those of {named.name}",)
    return ()


def _some(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(names[:5]) + (f", … {len(names)} in all" if len(names) > 5 else "")
