"""Why a check fails, as a cause and a fix, for every kind of failure the checks can tell apart."""

from __future__ import annotations

from dataclasses import dataclass

from generators.scm.conformance.report import Check

__all__ = ["CAUSES", "Cause", "failed", "passed"]


@dataclass(frozen=True)
class Cause:
    """A likely cause and its fix. ``{v}`` stands for the variable at fault, ``{parents}`` for its declared parents."""

    text: str
    fix: str

    def at(self, variable: str, parents: tuple[str, ...]) -> Cause:
        """The same words about one variable."""
        words = {"v": variable, "parents": ", ".join(parents) or "none"}
        return Cause(self.text.format(**words), self.fix.format(**words))


CAUSES = {
    "raises": Cause(
        "The mechanism of {v} stops on inputs that the model itself gives it.",
        "make it answer for every value that its parents ({parents}) can take, for any number of rows, one included",
    ),
    "shape": Cause(
        "The mechanism of {v} does not keep one value a unit.",
        "predict returns shape (n,) or a scalar; draw and abduct return noise of the shape of the uniforms of draw",
    ),
    "random": Cause(
        "The mechanism of {v} answers differently when asked twice: it draws random numbers of its own, so the noise "
        "that it is given does not decide its value and no counterfactual can be computed from it.",
        "take all chance from the noise argument (with more lanes if it needs more) and, in abduct, from uniforms; "
        "use no np.random, random or clock inside a mechanism",
    ),
    "state": Cause(
        "The mechanism of {v} reads something other than its declared parents ({parents}) and noise: a closure, a "
        "global or an attribute that moves while other units are computed. The graph has no arrow for it, so an "
        "intervention upstream of {v} would be missed or wrongly passed on.",
        "declare what it reads as a parent of {v}, or make it a constant of the mechanism",
    ),
    "rows": Cause(
        "The mechanism of {v} reads its neighbours' rows, or a column kept outside: a mean, a rank, a running sum or "
        "the number of rows enters the value. A unit would change with the shard that it is computed in, and an "
        "intervention on one unit would move another.",
        "compute element by element, and write what belongs to the population (a mean, a scale) into the mechanism "
        "as fixed numbers",
    ),
    "rounding": Cause(
        "The mechanism of {v} rounds a row differently beside other rows, as matrix products and sums over an axis do: "
        "the same unit would differ in its last bits from shard to shard.",
        "add the parents up column by column instead of with @, np.dot or .sum(axis=1)",
    ),
    "mutates": Cause(
        "The mechanism of {v} writes into its inputs. A child that changes its own parent is an arrow against the "
        "graph: facts would be altered by computing what follows from them.",
        "work on a new array (y = x - 1, not x -= 1), and never pass an input as out=",
    ),
    "buffer": Cause(
        "The mechanism of {v} hands out the same array in every call, so computing the counterfactual overwrites the "
        "fact.",
        "return a new array from every call",
    ),
    "inverse": Cause(
        "abduct is not the inverse of predict in {v}: the noise that it recovers does not explain the value.",
        "solve value = predict(parents, noise) for the noise, with the parents at their observed values, and check "
        "signs and scales; where there is no such solution in closed form, use a non-invertible mechanism",
    ),
    "posterior": Cause(
        "{v} promises exact noise, but several noises explain the same value and abduct picks one of them: it is a "
        "draw from the posterior, and a counterfactual made with it is one of several possible.",
        "return Abduction(..., exact=False), or write the mechanism so that the noise is unique (monotone in its "
        "noise)",
    ),
    "ignores": Cause(
        "predict of {v} ignores its noise: the parents alone decide the value, so there is no noise to recover.",
        "use the noise in predict, or make {v} deterministic (lanes = 0)",
    ),
    "prior": Cause(
        "The noise that abduct draws for {v}, over units sampled from the model, does not add up to the prior that "
        "draw gives. A posterior must: averaged over the values that the model gives, it is the prior.",
        "draw from p(noise | value, parents), not from a point estimate nor from the prior cut off elsewhere",
    ),
    "impossible": Cause(
        "{v} calls a value impossible that it has itself produced: draw and predict allow more than abduct does.",
        "widen abduct (tolerances, bounds, probabilities of zero) to everything that predict can return",
    ),
    "not finite": Cause(
        "The mechanism of {v} leaves the domain of one of its functions (a logarithm or root of a negative number, a "
        "division by zero, an overflow).",
        "clip or transform the parents ({parents}) before that function, or give them a support that keeps them away",
    ),
    "outside": Cause(
        "The mechanism of {v} is not bound by the support that {v} declares; noise with long tails reaches past it.",
        "bound the mechanism (clip, a monotone function onto the interval, bounded noise), or widen the support",
    ),
    "lossy": Cause(
        "The mechanism of {v} returns values that its support cannot hold, and they are cut to fit.",
        "round or compare inside the mechanism, or declare {v} real",
    ),
    "spec": Cause(
        "The identity of the model, which decides its noise, is the hash of every mechanism's spec().",
        "let spec() return plain numbers, strings, lists and mappings that decide the mechanism's output",
    ),
    "unknown": Cause(
        "The mechanism of {v} reads something other than its declared parents ({parents}) and noise (global state, or "
        "its neighbours' rows).",
        "make predict a function of its two arguments alone, element by element",
    ),
}


def passed(name: str, variable: str | None, detail: str = "") -> Check:
    """A check that held."""
    return Check(name, variable, True, detail)


def failed(name: str, variable: str | None, detail: str, cause: Cause | None = None) -> Check:
    """A check that did not hold, with its explanation."""
    return Check(name, variable, False, detail, cause.text if cause else "", cause.fix if cause else "")
