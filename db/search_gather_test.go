package db_test

import (
	"strings"
	"testing"

	"inkwell/db/dbtest"
)

// The parts that changes leave of the index are brought together, and nothing is
// lost by that.
func TestIndexIsGathered(t *testing.T) {
	d := hasty(t)
	ada := newUser(t, d, "user_ada")
	for i := range 100 {
		post := write(t, d, ada.ID, "Ink "+strings.Repeat("x", i), "well")
		if i%10 == 0 {
			check(t, d.DeletePost(t.Context(), post.ID, ada.ID))
		}
	}
	const crowded = "SELECT count(*) FROM (SELECT 1 FROM post_search_segdir GROUP BY level HAVING count(*) > 1)"
	if n := dbtest.Value[int](t, d, crowded); n == 0 {
		t.Fatal("the index has nothing to bring together")
	}
	before := indexState(t, d)
	keepIndex(t, d)
	if n := dbtest.Value[int](t, d, crowded); n != 0 {
		t.Errorf("%d levels of the index have several parts", n)
	}
	if n := len(search(t, d, "ink well", 0, 100)); n != 90 || indexState(t, d) != before {
		t.Errorf("%d posts are found", n)
	}
}
