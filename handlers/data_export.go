package handlers

import (
	"bufio"
	"encoding/base64"
	"encoding/csv"
	"io"
	"mime"
	"net/http"

	"inkwell/db"
)

// A rowWriter writes rows as a file of some format.
type rowWriter struct {
	contentType string
	begin       func() error
	row         func(db.Record) error
	end         func() error
}

// exportTable handles "GET /admin/data/{table}/export": the rows that are asked
// for as a file, sent while they are read.
func (s *Server) exportTable(w http.ResponseWriter, r *http.Request, _ db.User) error {
	_, t, err := s.findTable(r)
	if err != nil {
		return err
	}
	q, err := readRowsQuery(r, t)
	if err != nil || q.problem() {
		return errBadQuery
	}
	format := r.URL.Query().Get("format")
	sent := newPatientWriter(w)
	buffered := bufio.NewWriterSize(sent, 64<<10)
	out, ok := newRowWriter(format, buffered, t)
	if !ok {
		return errBadQuery
	}
	w.Header().Set("Content-Type", out.contentType)
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": t.Name + "." + format}))
	err = s.writeRows(r, q, out)
	if err == nil {
		err = buffered.Flush()
	}
	switch {
	case err == nil:
		return nil
	case !sent.begun:
		w.Header().Del("Content-Disposition")
		return err
	case r.Context().Err() == nil:
		s.log.Error("an export was broken off", "id", requestID(r), "table", t.Name, "error", err)
	}
	panic(http.ErrAbortHandler) // a file that ends too early must not look whole
}

func (s *Server) writeRows(r *http.Request, q rowsQuery, out rowWriter) error {
	if err := out.begin(); err != nil {
		return err
	}
	if err := s.db.Export(r.Context(), db.RowQuery{Table: q.table, Filters: q.conditions()}, out.row); err != nil {
		return err
	}
	return out.end()
}

// newRowWriter returns the writer of a format, if there is one.
func newRowWriter(format string, w io.Writer, t db.Table) (rowWriter, bool) {
	switch format {
	case "csv":
		return csvWriter(w, t), true
	case "json":
		return jsonWriter(w), true
	}
	return rowWriter{}, false
}

// csvWriter writes a line of names and one for each row. Values are as they
// are kept, also those that a spreadsheet would take for a formula: the file is
// data, to be read by programs too. NULL is written as nothing.
func csvWriter(w io.Writer, t db.Table) rowWriter {
	c := csv.NewWriter(w)
	names := make([]string, len(t.Columns))
	for i, column := range t.Columns {
		names[i] = column.Name
	}
	return rowWriter{
		contentType: "text/csv; charset=utf-8",
		begin:       func() error { return c.Write(names) },
		row: func(r db.Record) error {
			texts := make([]string, len(r.Values))
			for i, v := range r.Values {
				texts[i] = valueText(v)
				if b, ok := v.([]byte); ok {
					texts[i] = base64.StdEncoding.EncodeToString(b)
				}
			}
			return c.Write(texts)
		},
		end: func() error {
			c.Flush()
			return c.Error()
		},
	}
}

// jsonWriter writes an array of objects, one a line.
func jsonWriter(w io.Writer) rowWriter {
	separator := "\n"
	return rowWriter{
		contentType: "application/json",
		begin: func() error {
			_, err := io.WriteString(w, "[")
			return err
		},
		row: func(r db.Record) error {
			b, err := r.MarshalJSON()
			if err == nil {
				_, err = io.WriteString(w, separator+string(b))
			}
			separator = ",\n"
			return err
		},
		end: func() error {
			_, err := io.WriteString(w, "\n]\n")
			return err
		},
	}
}
