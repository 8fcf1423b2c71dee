package db

import (
	"database/sql/driver"
	"fmt"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Text is a string whose empty value is kept as NULL.
type Text string

// Scan reads a TEXT or NULL. It implements sql.Scanner.
func (t *Text) Scan(src any) error {
	s, ok := src.(string)
	*t = Text(s)
	if !ok && src != nil {
		return fmt.Errorf("a text is not %T", src)
	}
	return nil
}

// Value returns NULL for the empty text. It implements driver.Valuer.
func (t Text) Value() (driver.Value, error) {
	if t == "" {
		return nil, nil
	}
	return string(t), nil
}

// titleKey returns what two titles have in common that count as the same:
// Unicode normalisation and case make no difference.
func titleKey(title string) string {
	return cases.Fold().String(norm.NFC.String(title))
}
