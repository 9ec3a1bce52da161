"""Adds, subtracts, multiplies and divides: python3 calculate.py 6 x 7"""

import operator
import sys
from decimal import Decimal, DivisionByZero, InvalidOperation

OPERATIONS = {"+": operator.add, "-": operator.sub, "x": operator.mul, "/": operator.truediv}


def calculate(left: str, sign: str, right: str) -> Decimal:
    return OPERATIONS[sign](Decimal(left), Decimal(right))


if __name__ == "__main__":
    try:
        _, left, sign, right = sys.argv
        print(calculate(left, sign, right))
    except DivisionByZero:
        sys.exit("cannot divide by zero")
    except (ValueError, KeyError, InvalidOperation):
        sys.exit("usage: calculate.py NUMBER +|-|x|/ NUMBER")
