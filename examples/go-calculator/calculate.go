package main

import (
	"errors"
	"math"
	"strconv"
)

// calculate works with whole numbers as long as they fit into 64 bits, and with decimals otherwise.
// It needs no fmt: the package alone would make the program half as large again.
func calculate(left, operator, right string) (string, error) {
	a, aIsWhole, err := parse(left)
	if err != nil {
		return "", err
	}
	b, bIsWhole, err := parse(right)
	if err != nil {
		return "", err
	}
	operator, err = normalize(operator)
	if err != nil {
		return "", err
	}
	if operator == "/" && b.decimal == 0 {
		return "", errors.New("cannot divide " + left + " by zero")
	}
	if aIsWhole && bIsWhole {
		if result, fits := calculateWhole(a.whole, operator, b.whole); fits {
			return strconv.FormatInt(result, 10), nil
		}
	}
	result := calculateDecimal(a.decimal, operator, b.decimal)
	if math.IsInf(result, 0) {
		return "", errors.New("cannot show " + left + " " + operator + " " + right + ": the result is too large")
	}
	// Fifteen digits are what a 64-bit decimal keeps for certain: 0.1 + 0.2 is 0.3.
	return strconv.FormatFloat(result, 'g', 15, 64), nil
}

type number struct {
	whole   int64
	decimal float64
}

func parse(text string) (value number, isWhole bool, err error) {
	if whole, err := strconv.ParseInt(text, 10, 64); err == nil {
		return number{whole: whole, decimal: float64(whole)}, true, nil
	}
	decimal, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(decimal, 0) || math.IsNaN(decimal) {
		return number{}, false, errors.New(strconv.Quote(text) + " is not a number")
	}
	return number{decimal: decimal}, false, nil
}

// normalize also takes what shells leave of a star, and the signs of school books.
func normalize(operator string) (string, error) {
	switch operator {
	case "+", "-", "/":
		return operator, nil
	case "x", "X", "*", "×", "·":
		return "x", nil
	case "÷", ":":
		return "/", nil
	}
	return "", errors.New(strconv.Quote(operator) + " is not an operator; want + - x or /")
}

// calculateWhole reports false when the result is no whole number or does not fit.
func calculateWhole(a int64, operator string, b int64) (result int64, fits bool) {
	switch operator {
	case "+":
		result = a + b
		return result, (result > a) == (b > 0)
	case "-":
		result = a - b
		return result, (result < a) == (b > 0)
	case "x":
		if a == 0 || b == 0 {
			return 0, true
		}
		result = a * b
		return result, result/b == a && !(a == -1 && b == math.MinInt64) && !(b == -1 && a == math.MinInt64)
	default:
		isMinimum := a == math.MinInt64 && b == -1
		return a / b, !isMinimum && a%b == 0
	}
}

func calculateDecimal(a float64, operator string, b float64) float64 {
	switch operator {
	case "+":
		return a + b
	case "-":
		return a - b
	case "x":
		return a * b
	default:
		return a / b
	}
}
