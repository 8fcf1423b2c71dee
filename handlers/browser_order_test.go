package handlers

import "testing"

// orderly are the ways in which order is kept.
var orderly = map[string]func(*testing.T, *browser){
	"report and hide, narrow": at(narrow, testReportJourney),
	"report and hide, wide":   at(wide, testReportJourney),
}

// testReportJourney has a member report a post, a moderator hide it with a
// reason and restore it, and its author read why: three tabs side by side.
func testReportJourney(t *testing.T, b *browser, width int64) {
	site := newSite(t)
	site.post(ada, "Buy pills", "Cheap ones.", true)
	reader, author, katherine := b.signedIn(t, site, grace, width), b.signedIn(t, site, ada, width), b.signedIn(t, site, moderator, width)

	reader.allow("status of 422")
	reader.press("Report “Buy pills”").focused("report-form-1-spam").press("Report").sees("#report-form-1-kind-problem", "Choose").
		focused("report-form-1-spam").fits()
	reader.press("Cancel").focused("title-1").press("Report “Buy pills”").press("Spam or advertising").fill("What should they know? (optional)", "Look.").
		press("Report").hears("Thank you.").sees(".reported", "Thank you.").focused("reported-1")

	katherine.allow("status of 422")
	katherine.open("/moderation").sees(".reports", "Look.").press("Hide… “Buy pills”").focused("hide-form-1-reason").press("Hide").
		sees("#hide-form-1-problem", "Say why").focused("hide-form-1-reason").fill("Reason", "No advertising.").fits()
	katherine.press("Hide").hears("“Buy pills” is hidden.").sees(".post-deleted", "is hidden").focused("post-1")

	author.open("/drafts").sees(".hidden-note", "Hidden by a moderator: No advertising.").fits()
	author.press("Edit “Buy pills”").focused("post-1-title").sees(".hidden-note", "No advertising.").lacks("#post-1-publish").
		fill("Title", "Buy nothing").press("Save").hears("Saved.").sees(".hidden-note", "No advertising.")

	katherine.press("See the post").sees(".hidden-note", "Hidden by Katherine Johnson").sees("h1", "Buy nothing").fits()
	katherine.press("Restore “Buy nothing”").hears("“Buy nothing” is published again.").focused("title-1").lacks(".hidden-note")
	katherine.open("/moderation/log").sees("#act-2", "restored “Buy nothing” by Ada Lovelace").fits()
	reader.open("/").sees(".post-item", "Buy nothing")
}
