using PipeForkAs.Files.Html;
using PipeForkAs.Files.Jobs;
using PipeForkAs.Files.Paths;
using PipeForkAs.Files.Sessions;

namespace PipeForkAs.Files.Pages;

/// <summary>The page of a folder. The links in its table are relative to its URL, so that long paths are in it once.</summary>
internal sealed class ListingPage(Layout layout, Session session, Listing listing, View view, string? note)
{
    private readonly IReadOnlyList<Entry> entries = view.Arrange(listing.Entries);

    private int PageCount => Math.Max(1, (entries.Count + View.PageSize - 1) / View.PageSize);

    private int Number => Math.Min(view.Number, PageCount);

    /// <summary>Writes the page.</summary>
    public string Write() => layout.Write(listing.Path.NameText, session, page =>
    {
        WriteTrail(page, listing.Path);
        page.Add($"""<h1><bdi>{listing.Path.NameText}</bdi></h1><p role="status" class="note">{note}</p>""");
        WriteTools(page);
        page.Add("""<section id="uploads" aria-label="Uploads" hidden><ul></ul></section>""");
        if (entries.Count == 0)
            page.Add($"""<p class="quiet">{(view.Find.Length > 0 ? "No name contains this." : "This folder is empty.")}</p>""");
        else
            WriteTable(page);
        WritePages(page);
    });

    /// <summary>Writes the folders above a path and the path itself.</summary>
    public static void WriteTrail(HtmlWriter page, BytePath path)
    {
        page.Add("""<nav aria-label="Path"><ol class="trail">""");
        BytePath[] trail = [.. path.Trail];
        foreach (BytePath step in trail[..^1])
            page.Add($"""<li><a href="/files/{step.Segment}/"><bdi>{step.NameText}</bdi></a></li>""");
        page.Add($"""<li aria-current="page"><bdi>{path.NameText}</bdi></li></ol></nav>""");
    }

    private void WriteTools(HtmlWriter page)
    {
        string segment = listing.Path.Segment;
        page.Add(
            $"""
            <div class="tools">
            <form method="get" role="search"><input type="hidden" name="sort" value="{view.Sort}">
            <input type="hidden" name="desc" value="{(view.IsDescending ? "1" : "0")}">
            <label>Find <input type="search" name="find" value="{view.Find}" maxlength="255"></label><button>Find</button></form>
            <form method="post" action="/folder"><input type="hidden" name="d" value="{segment}">
            """);
        Layout.WriteToken(page, session.Token);
        page.Add(
            $"""
            <label>New folder <input name="to" required maxlength="255" autocomplete="off" autocapitalize="none"></label>
            <button>Create</button></form>
            <div><button type="button" id="choose" hidden>Upload files</button>
            <input type="file" id="files" multiple hidden data-to="/upload/{segment}/" data-token="{session.Token}">
            <a class="button" href="/archive/{segment}" download>Download folder</a></div>
            </div><noscript><p class="quiet">Uploads need JavaScript; all else works without it.</p></noscript>
            """);
    }

    private void WriteTable(HtmlWriter page)
    {
        page.Add("""<form method="post" action="/select" class="list">""");
        Layout.WriteToken(page, session.Token);
        page.Add(
            $"""
            <input type="hidden" name="d" value="{listing.Path.Segment}">
            <div class="tools" role="group" aria-label="Selected entries"><button name="action" value="rename">Rename</button>
            <button name="action" value="delete">Delete</button></div>
            <table><thead><tr><th class="box"><input type="checkbox" id="all" aria-label="Select all" hidden></th>
            """);
        WriteHead(page, "name", "Name");
        WriteHead(page, "size", "Size");
        WriteHead(page, "modified", "Changed (UTC)");
        page.Add("""<th class="more">Owner</th><th class="more">Mode</th></tr></thead><tbody id="list">""").Add("\n");
        int first = (Number - 1) * View.PageSize;
        for (int index = first; index < Math.Min(entries.Count, first + View.PageSize); index++)
            WriteEntry(page, entries[index], index - first);
        page.Add("</tbody></table></form>");
    }

    private void WriteHead(HtmlWriter page, string sort, string words)
    {
        bool isThis = view.Sort == sort;
        string state = !isThis ? "none" : view.IsDescending ? "descending" : "ascending";
        string query = view.Query(1, sort, isThis && !view.IsDescending);
        page.Add($"""<th aria-sort="{state}"><a href="{query}">{words}</a></th>""");
    }

    private static void WriteEntry(HtmlWriter page, Entry entry, int row)
    {
        string name = BytePath.Encode(entry.Name);
        string mark = entry.IsFolder ? "d" : entry.Kind == "symbolic-link" ? "l" : "f";
        page.Add($"""<tr><td><input type=checkbox name=n value="{name}" aria-labelledby=r{row}>""");
        page.Add($"""<td><a id=r{row} class={mark} href="{name}{(entry.IsFolder ? "/" : "")}"><bdi>{entry.Text}</bdi></a>""");
        page.Add($"""<td>{(entry.IsFile ? Amounts.Size(entry.Size) : "")}<td>{Amounts.Time(entry.Modified)}""");
        page.Add($"""<td>{entry.Owner}<td>{entry.Mode}""").Add("\n");
    }

    private void WritePages(HtmlWriter page)
    {
        if (entries.Count == 0)
            return;
        long first = ((Number - 1) * View.PageSize) + 1;
        page.Add($"""<nav class="pages" aria-label="Pages"><p>{first:N0} to {Math.Min(entries.Count, first + View.PageSize - 1):N0}""");
        page.Add($""" of {(long)entries.Count:N0}</p>""");
        if (Number > 1)
            page.Add($"""<a href="{view.Query(1)}">First</a> <a rel="prev" href="{view.Query(Number - 1)}">Previous</a> """);
        if (Number < PageCount)
            page.Add($"""<a rel="next" href="{view.Query(Number + 1)}">Next</a> <a href="{view.Query(PageCount)}">Last</a>""");
        page.Add("</nav>");
    }
}
