"""The rival: a plain logistic regression of scikit-learn, where that is installed. The product does not need it."""

from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

from duskwatch.evaluation.causes.score import Learner

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

UNSEEN = 1e-3  # of a class that no event in the taught half has


def scikit_learn() -> Learner | None:
    """The learner; None where scikit-learn is not installed."""
    return _regression if find_spec("sklearn") is not None else None


def _regression(inputs: F64, classes: I64, judge: F64, size: int) -> F64:
    from sklearn.linear_model import LogisticRegression

    out = np.full((len(judge), size), UNSEEN)
    if len(np.unique(classes)) == 1:
        out[:, classes[0]] = 1.0
    else:
        model = LogisticRegression(max_iter=5000).fit(inputs, classes)
        out[:, model.classes_] = model.predict_proba(judge)
    result: F64 = out / out.sum(axis=1, keepdims=True)
    return result
