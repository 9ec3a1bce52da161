package main

import "testing"

func TestCalculate(t *testing.T) {
	for _, row := range []struct{ left, operator, right, want string }{
		{"6", "x", "7", "42"},
		{"6", "*", "7", "42"},
		{"-6", "x", "7", "-42"},
		{"1", "+", "2", "3"},
		{"1", "-", "2", "-1"},
		{"84", "/", "2", "42"},
		{"7", "/", "2", "3.5"},
		{"1", "÷", "3", "0.333333333333333"},
		{"0.1", "+", "0.2", "0.3"},
		{"5", "+", "0", "5"},
		{"5", "-", "0", "5"},
		{"0", "x", "-1", "0"},
		{"9223372036854775807", "+", "1", "9.22337203685478e+18"},
		{"-9223372036854775808", "x", "-1", "9.22337203685478e+18"},
		{"-9223372036854775808", "/", "-1", "9.22337203685478e+18"},
	} {
		got, err := calculate(row.left, row.operator, row.right)
		if err != nil || got != row.want {
			t.Errorf("%s %s %s: got %q, %v; want %q", row.left, row.operator, row.right, got, err, row.want)
		}
	}
}

func TestCalculateRefuses(t *testing.T) {
	for _, row := range []struct{ left, operator, right, want string }{
		{"six", "x", "7", `"six" is not a number`},
		{"6", "x", "", `"" is not a number`},
		{"6", "%", "7", `"%" is not an operator; want + - x or /`},
		{"6", "/", "0", "cannot divide 6 by zero"},
		{"NaN", "+", "1", `"NaN" is not a number`},
		{"1e308", "x", "10", "cannot show 1e308 x 10: the result is too large"},
	} {
		got, err := calculate(row.left, row.operator, row.right)
		if err == nil || err.Error() != row.want {
			t.Errorf("%s %s %s: got %q, %v; want error %q", row.left, row.operator, row.right, got, err, row.want)
		}
	}
}
