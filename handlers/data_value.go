package handlers

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"inkwell/db"
)

// timeLayouts are how a time can be typed. All are UTC.
var timeLayouts = []string{"2006-01-02 15:04:05 UTC", time.DateTime, "2006-01-02 15:04", time.DateOnly, "2006-01-02T15:04", time.RFC3339}

// parseValue returns the value of a column that a text means, or what is wrong
// with the text. Nothing is NULL where no text can be.
func parseValue(c db.Column, text string) (v any, problem string) {
	typed := strings.TrimSpace(text)
	switch {
	case isTextColumn(c):
		return text, textProblem(text, maxFormText)
	case typed == "" && !c.NotNull:
		return nil, ""
	case c.IsTime():
		return parseTime(typed)
	case c.IsInteger():
		n, err := strconv.ParseInt(typed, 10, 64)
		return n, problemIf(err != nil, "Enter a whole number, such as 42.")
	}
	x, err := strconv.ParseFloat(typed, 64)
	return x, problemIf(err != nil || math.IsNaN(x) || math.IsInf(x, 0), "Enter a number, such as 4.2.")
}

// timeRange says which times there are: others could not be written as JSON.
const timeRange = "Enter a time from 1970 to the year 9999: nothing before or after is kept."

// parseTime reads a time, or a number of milliseconds.
func parseTime(typed string) (v any, problem string) {
	if ms, err := strconv.ParseInt(typed, 10, 64); err == nil {
		return ms, problemIf(ms < 0 || ms > maxTime, timeRange)
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, typed); err == nil {
			ms := t.UnixMilli()
			return ms, problemIf(ms < 0 || ms > maxTime, timeRange)
		}
	}
	return nil, "Enter a time: milliseconds since 1970, or 2026-11-20 15:04 (UTC)."
}

func problemIf(wrong bool, problem string) string {
	if !wrong {
		return ""
	}
	return problem
}

// ruleProblems says at each column what rule of the schema a change breaks; ""
// stands for the row as a whole. They are nil for an error of another kind.
func ruleProblems(err error) map[string]string {
	var broken *db.RuleError
	if !errors.As(err, &broken) {
		return nil
	}
	text := ruleText(broken)
	problems := map[string]string{}
	for _, column := range broken.Columns {
		problems[column] = text
	}
	if len(broken.Columns) == 0 {
		problems[""] = text
	}
	return problems
}

func ruleText(e *db.RuleError) string {
	switch e.Rule {
	case db.RuleUnique:
		if len(e.Columns) > 1 {
			return "Another row has the same " + strings.Join(e.Columns, " and ") + "."
		}
		return "Another row has this already."
	case db.RuleRequired:
		return "This must not be NULL."
	case db.RuleCheck:
		return "The database takes only rows for which this holds: " + e.Detail
	case db.RuleReference:
		return fmt.Sprintf("No row of %s is like that.", e.Detail)
	case db.RuleGone:
		return "The account of this user is deleted, and what was theirs cannot be changed here any more."
	case db.RuleReferred:
		return fmt.Sprintf("Other rows refer to this one (%s). Change or delete them first.", e.Detail)
	}
	return "The database refuses this: " + e.Detail
}
