package handlers

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"inkwell/db"
)

// peoplePath is the address of the directory.
const peoplePath = "/users"

// peoplePageSize is how many people a page of the directory has.
const peoplePageSize = 40

// A peopleSearch is whom a reader looks for.
type peopleSearch struct {
	Typed string // at most db.MaxQuery code points
}

// URL returns the address of who is found.
func (p peopleSearch) URL() string {
	query := url.Values{}
	if p.Typed != "" {
		query.Set("q", p.Typed)
	}
	return addressOf(peoplePath, query)
}

// A peoplePlace is a place in the directory: right behind the user with this id
// and key. The zero place is the beginning.
type peoplePlace struct {
	id  int64
	key string
}

// compare tells which of two places comes first.
func (p peoplePlace) compare(other peoplePlace) int {
	return cmp.Or(cmp.Compare(p.key, other.key), cmp.Compare(p.id, other.id))
}

func (p peoplePlace) String() string { return strconv.FormatInt(p.id, 36) + "-" + p.key }

// parsePeoplePlace reads what String wrote. The empty string is the beginning.
func parsePeoplePlace(s string) (peoplePlace, error) {
	if s == "" {
		return peoplePlace{}, nil
	}
	id, key, _ := strings.Cut(s, "-")
	n, err := strconv.ParseInt(id, 36, 64)
	p := peoplePlace{n, key}
	if err != nil || n < 1 || key == "" || p.String() != s {
		return peoplePlace{}, errBadCursor
	}
	return p, nil
}

// readPeopleSearch reads whom a request looks for.
func readPeopleSearch(r *http.Request) (peopleSearch, error) {
	query, err := readQuery(r)
	return peopleSearch{Typed: typed(query.Get("q"))}, err
}

// text is what names are searched for. An @ belongs to no name.
func (p peopleSearch) text() string { return strings.TrimPrefix(db.FoldName(p.Typed), "@") }

// directoryView is what people.html shows.
type directoryView struct {
	Search peopleSearch
	People peopleView
}

// peopleView is what people.html of the partials shows: who was found.
type peopleView struct {
	Said   string  // how many they are
	Offers []offer // what to try when it is nobody
	Part   peoplePart
}

// peoplePart is what people-part.html shows.
type peoplePart struct {
	Items []personItem
	More  moreView
}

// personItem is what person.html shows.
type personItem struct {
	ID       int64
	URL      string
	Name     string
	Username string // "": none, or it is the name
	Avatar   avatar
	Role     string // "": a member like others
	Since    moment
	Posts    string
	Focus    bool // they have just come
}

// showPeople handles "GET /users": everybody who may come in and has a name, by
// name, so that one finds a person again where one looked before.
func (s *Server) showPeople(w http.ResponseWriter, r *http.Request, _ visitor) error {
	search, err := readPeopleSearch(r)
	if err != nil {
		return err
	}
	st, err := readStretch(r, "after", peoplePageSize, parsePeoplePlace)
	if err != nil {
		return err
	}
	view, err := s.findPeople(r.Context(), search, st)
	if err != nil {
		return fmt.Errorf("directory: %w", err)
	}
	switch {
	case !wantsFragment(r):
		return s.page(w, r, http.StatusOK, "people", page{Title: "People", Main: directoryView{search, view}})
	case !st.isFirst:
		return s.morePeople(w, view.Part)
	}
	w.Header().Set("HX-Replace-Url", search.URL())
	return s.fragment(w, http.StatusOK, part{"people", view}, part{"status", view.Said})
}

// morePeople answers with the next part of the directory; the first of them
// gets the focus.
func (s *Server) morePeople(w http.ResponseWriter, people peoplePart) error {
	said := "Nobody else."
	if n := len(people.Items); n > 0 {
		people.Items[0].Focus = true
		said = fmt.Sprintf("%s more.", thousands(n))
	}
	return s.fragment(w, http.StatusOK, part{"people-part", people}, part{"status", said})
}

func (s *Server) findPeople(ctx context.Context, search peopleSearch, st stretch[peoplePlace]) (peopleView, error) {
	rows, err := s.db.ListPeople(ctx, db.ListPeopleParams{
		AfterKey: st.from.key, AfterID: st.from.id, Search: search.text(), PageSize: st.limit(),
	})
	if err != nil {
		return peopleView{}, err
	}
	count, err := s.db.CountPeople(ctx, search.text())
	if err != nil {
		return peopleView{}, err
	}
	place := func(row db.ListPeopleRow) peoplePlace { return peoplePlace{row.ID, row.SearchKey} }
	rows, next := nextStretch(rows, st, place, peoplePlace.compare)
	view := peopleView{Said: peopleSentence(search, count), Part: peoplePart{More: st.more(search.URL(), next, "These are all.")}}
	for _, row := range rows {
		view.Part.Items = append(view.Part.Items, newPersonItem(row))
	}
	if count == 0 && search.text() != "" {
		view.Offers = []offer{{"offer-posts", "Search posts", postSearch{Typed: search.Typed}.URL()}, {"offer-everybody", "Show everybody", peopleSearch{}.URL()}}
	}
	return view, nil
}

func newPersonItem(row db.ListPeopleRow) personItem {
	name := displayName(row.Name, row.Username)
	item := personItem{
		ID:     row.ID,
		URL:    profilePath(row.ID),
		Name:   name,
		Avatar: newAvatar(row.ID, name, row.ImageURL),
		Since:  newDay(cmp.Or(row.ClerkCreatedAt, row.CreatedAt).Time()),
		Posts:  plural(row.Posts, "post"),
	}
	if username := valueOf(row.Username); username != name {
		item.Username = username
	}
	if row.Role != db.RoleMember {
		item.Role = roleNames[row.Role]
	}
	return item
}

// peopleSentence says how many there are.
func peopleSentence(search peopleSearch, count int64) string {
	switch {
	case count == 0 && search.text() == "":
		return "Nobody is here yet."
	case count == 0:
		return "Nobody is called that."
	case count == 1:
		return "1 person."
	}
	return thousands(count) + " people."
}
