package db

import (
	"database/sql"
	"maps"
	"slices"
	"time"

	"github.com/golang-migrate/migrate/v4"
)

// The queries whose plans are tested.
const (
	ListPostsSQL      = listPosts
	ListPostsOfSQL    = listPostsOf
	ListFullPostsSQL  = listFullPosts
	ListFullOfSQL     = listFullPostsOf
	ListPublicSQL     = listPublicPosts
	ListDraftsSQL     = listDrafts
	ListReportedSQL   = listReportedPosts
	ListStalePostsSQL = listStalePosts
	GetFormPostSQL    = getFormPost
	GetPostOfFormSQL  = getPostOfForm
	GetAutosavedSQL   = getAutosavedDraft
	DeletePostsOfSQL  = deletePostsOf
	PurgePostsSQL     = purgePosts
	ListEventsSQL     = listEvents
	DeleteVotesOfSQL  = deleteVotesOf
	ClearBodiesSQL    = clearBodies
	PurgeEventsSQL    = purgeEvents
	PurgeBodiesSQL    = purgeBodies
	DismissLettersSQL = dismissDeadLetters
	OpenLettersSQL    = countOpenDeadLetters
	PurgeSessionsSQL  = purgeSessions
	GetSessionUserSQL = getSessionUser
	ListPeopleSQL     = listPeople
	ListMissingSQL    = listMissingUsers
)

// SetNow replaces the clock.
func (d *DB) SetNow(now func() Time) { d.now = now }

// SetPatience replaces how long a change waits for others.
func (d *DB) SetPatience(patience time.Duration) { d.patience = patience }

// SetLookTime replaces how long a look of the data browser may take.
func (d *DB) SetLookTime(limit time.Duration) { d.lookTime = limit }

// SetSearchTime replaces how long a search may look.
func (d *DB) SetSearchTime(limit time.Duration) { d.searchTime = limit }

// KeptByProgram is the reason of tables without rules.
const KeptByProgram = keptByProgram

// RuledColumns returns the columns that rules name, by table.
func RuledColumns() map[string][]string {
	columns := map[string][]string{}
	for name, r := range ownRules() {
		columns[name] = slices.Clone(r.secret)
		for _, named := range []map[string]string{r.readOnly, r.notes, r.madeFrom} {
			columns[name] = slices.AppendSeq(columns[name], maps.Keys(named))
		}
	}
	return columns
}

// Browser returns the handle of the data browser.
func (d *DB) Browser() *sql.DB { return d.browser }

// Reader returns the handle that cannot write.
func (d *DB) Reader() *sql.DB { return d.reader }

// Writer returns the handle that can.
func (d *DB) Writer() *sql.DB { return d.writer }

// NewMigrator returns a migrator of the file at path, to be closed.
func NewMigrator(path string) (*migrate.Migrate, error) {
	handle, err := openForMigration(path)
	if err != nil {
		return nil, err
	}
	return newMigrator(handle)
}

// The functions that are tested on their own.
var (
	LockFile   = lockFile
	OpenHandle = openForMigration
)
