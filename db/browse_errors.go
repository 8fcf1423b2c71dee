package db

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/mattn/go-sqlite3"
)

// A Rule is a kind of rule that a schema sets for rows.
type Rule string

// The rules that a change can break.
const (
	RuleUnique    Rule = "unique"    // another row has these values
	RuleRequired  Rule = "required"  // NULL is not allowed
	RuleCheck     Rule = "check"     // Detail, in SQL, must not be false
	RuleType      Rule = "type"      // Detail, in SQLite's words
	RuleReference Rule = "reference" // no row of the table Detail has the value
	RuleReferred  Rule = "referred"  // other rows refer to this one: Detail says which
	RuleGone      Rule = "gone"      // the user whose row it is is deleted
	RuleOther     Rule = "other"     // Detail, in SQLite's words
)

// A RuleError says which rule a change breaks.
type RuleError struct {
	Rule    Rule
	Columns []string // that it is about; nil: the row as a whole
	Detail  string
}

func (e *RuleError) Error() string {
	return strings.TrimSpace("the row breaks a rule of the schema: " + string(e.Rule) + " " + strings.Join(e.Columns, ", ") + " " + e.Detail)
}

// explainRule returns a *RuleError in place of the database's own error for a
// broken rule, and any other error as it is. Values are what was to be written.
func explainRule(ctx context.Context, q *Queries, t Table, values map[string]any, err error) error {
	var e sqlite3.Error
	if !errors.As(err, &e) || e.Code != sqlite3.ErrConstraint && e.Code != sqlite3.ErrMismatch {
		return err
	}
	_, detail, _ := strings.Cut(e.Error(), "failed: ")
	switch e.ExtendedCode {
	case sqlite3.ErrConstraintUnique, sqlite3.ErrConstraintPrimaryKey, sqlite3.ErrConstraintRowID:
		return &RuleError{Rule: RuleUnique, Columns: columnsOf(t, detail)}
	case sqlite3.ErrConstraintNotNull:
		return &RuleError{Rule: RuleRequired, Columns: columnsOf(t, detail)}
	case sqlite3.ErrConstraintCheck:
		detail = checkOf(t, detail)
		return &RuleError{Rule: RuleCheck, Columns: mentioned(t, detail), Detail: detail}
	case sqlite3.ErrConstraintForeignKey:
		return brokenReference(ctx, q, t, values)
	case constraintDataType:
		return &RuleError{Rule: RuleType, Columns: mentioned(t, e.Error()), Detail: e.Error()}
	}
	return &RuleError{Rule: RuleOther, Detail: e.Error()}
}

// constraintDataType is SQLITE_CONSTRAINT_DATATYPE, which the driver has no
// name for.
const constraintDataType = sqlite3.ErrNoExtended(19 | 12<<8)

// columnsOf reads "table.column, table.column". Of a column that is made from
// another it names that one.
func columnsOf(t Table, detail string) []string {
	var names []string
	for part := range strings.SplitSeq(detail, ", ") {
		if c := t.Column(strings.TrimPrefix(part, t.Name+".")); c != nil {
			names = append(names, cmp.Or(c.MadeFrom, c.Name))
		}
	}
	return names
}

// checkOf returns the expression of a CHECK. SQLite names one that has a name
// by that alone.
func checkOf(t Table, detail string) string {
	named := regexp.MustCompile(`(?i)CONSTRAINT\s+"?` + regexp.QuoteMeta(detail) + `"?\s+CHECK\s*\(`)
	at := named.FindStringIndex(t.SQL)
	if at == nil {
		return detail
	}
	depth := 1
	for i, r := range t.SQL[at[1]:] {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 {
			return t.SQL[at[1]:][:i]
		}
	}
	return detail
}

// identifier finds the words of an SQL expression.
var identifier = regexp.MustCompile(`[\pL_][\pL\pN_]*`)

// mentioned returns the columns that an SQL expression names.
func mentioned(t Table, expression string) []string {
	words := identifier.FindAllString(expression, -1)
	var names []string
	for _, c := range t.Columns {
		if slices.Contains(words, c.Name) {
			names = append(names, c.Name)
		}
	}
	return names
}

// brokenReference finds out which reference of a row leads nowhere, which
// SQLite does not say.
func brokenReference(ctx context.Context, q *Queries, t Table, values map[string]any) error {
	for _, r := range t.Refers {
		row := Record{Columns: r.To, Values: valuesOf(values, r.From)}
		if slices.Contains(row.Values, nil) {
			continue
		}
		var found bool
		clause, args := join([]condition{Reference{From: r.To, To: r.To}.to(row)})
		query := "SELECT EXISTS (SELECT 1 FROM " + quote(r.Parent) + clause + ")"
		if err := q.db.QueryRowContext(ctx, query, args...).Scan(&found); err != nil {
			return err
		}
		if !found {
			return &RuleError{Rule: RuleReference, Columns: r.From, Detail: r.Parent}
		}
	}
	return &RuleError{Rule: RuleReferred, Detail: "rows of other tables"}
}
