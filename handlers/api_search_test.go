package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestAPISearch(t *testing.T) {
	site := newSite(t)
	for i := range 3 {
		site.post(ada, fmt.Sprint("Engine ", i), "It weaves patterns.", true)
	}
	site.post(grace, "Compiler", "Not an engine.", true)
	site.post(grace, "Engine draft", "", false)
	tests := []struct{ query, want string }{
		{"q=engine", "Engine 2,Engine 1,Engine 0,Compiler"},
		{"q=weav", "Engine 2,Engine 1,Engine 0"},
		{"q=%22weaves+patterns%22", "Engine 2,Engine 1,Engine 0"},
		{fmt.Sprint("q=ENGINE&author=", site.user(grace).ID), "Compiler"},
		{"q=zebra", ""},
		{"q=", ""},
		{"", ""},
		{"q=%22*%22+-^:", ""},
		{"q=%00%ff", ""},
		{"q=" + strings.Repeat("a", 10_000), ""},
	}
	for _, tt := range tests {
		t.Run(tt.query[:min(40, len(tt.query))], func(t *testing.T) {
			found := decode[apiFound](site.guest().api("GET", "/api/search?"+tt.query, "").status(http.StatusOK))
			if got := apiTitles(found.Posts); got != tt.want || found.Matches != len(found.Posts) || found.Next != nil || found.Bounded {
				t.Errorf("it finds %q and says %d, want %q", got, found.Matches, tt.want)
			}
		})
	}
	for query, status := range map[string]int{
		"q=a&limit=0": 400, "q=a&limit=101": 400, "q=a&before=x": 400, "q=a&author=99": 404, "q=a&author=x": 404, "q=%zz": 400,
	} {
		site.guest().api("GET", "/api/search?"+query, "").problem(status, "")
	}
}

func apiTitles(posts []apiPost) string {
	var all []string
	for _, p := range posts {
		all = append(all, p.Title)
	}
	return strings.Join(all, ",")
}

func TestAPISearchPages(t *testing.T) {
	site := newSite(t)
	for i := range 5 {
		site.post(ada, fmt.Sprint("Engine ", i), "", true)
	}
	var pages []string
	for place := ""; ; {
		path := "/api/search?" + url.Values{"q": {"engine"}, "limit": {"2"}, "before": {place}}.Encode()
		found := decode[apiFound](site.guest().api("GET", path, "").status(http.StatusOK))
		pages = append(pages, apiTitles(found.Posts))
		if found.Next == nil {
			break
		}
		place = *found.Next
	}
	if got, want := strings.Join(pages, "; "), "Engine 4,Engine 3; Engine 2,Engine 1; Engine 0"; got != want {
		t.Errorf("the pages are %s, want %s", got, want)
	}
}

func TestAPIUsers(t *testing.T) {
	site := newSite(t)
	site.post(ada, "Post", "", true)
	site.post(ada, "Draft", "", false)
	all := decode[apiPeople](site.guest().api("GET", "/api/users", "").status(http.StatusOK))
	if len(all.Users) == 0 || all.Users[0].Name != "Ada Lovelace" || all.Users[0].Posts != 1 || all.Total != int64(len(all.Users)) || all.Next != nil {
		t.Errorf("the directory is %+v", all)
	}
	var names []string
	for path := "/api/users?limit=2"; path != ""; {
		a := site.guest().api("GET", path, "").status(http.StatusOK)
		if strings.Contains(a.body, "@") {
			t.Errorf("the directory tells an e-mail address: %s", a.body)
		}
		page := decode[apiPeople](a)
		for _, person := range page.Users {
			names = append(names, person.Name)
		}
		path = ""
		if page.Next != nil {
			path = "/api/users?" + url.Values{"limit": {"2"}, "before": {*page.Next}}.Encode()
		}
	}
	if len(names) != len(all.Users) {
		t.Errorf("the pages list %v, want %d people", names, len(all.Users))
	}
	for query, want := range map[string]string{"LOVE": "Ada Lovelace", "@grace": "Grace Hopper", "example.com": "", "zebra": ""} {
		found := decode[apiPeople](site.guest().api("GET", "/api/users?q="+url.QueryEscape(query), "").status(http.StatusOK))
		if want == "" && found.Total != 0 || want != "" && (found.Total != 1 || found.Users[0].Name != want) {
			t.Errorf("%q finds %+v, want %q", query, found, want)
		}
	}
	site.guest().api("GET", "/api/users?limit=0", "").problem(http.StatusBadRequest, "limit")
	site.guest().api("GET", "/api/users?before=x", "").problem(http.StatusBadRequest, "place")
}
