using PipeForkAs.Files.Html;
using PipeForkAs.Files.Jobs;
using PipeForkAs.Files.Paths;
using PipeForkAs.Files.Sessions;
using PipeForkAs.Protocol;

namespace PipeForkAs.Files.Pages;

/// <summary>The pages with one form or one message.</summary>
internal static class SmallPages
{
    /// <summary>A browser ignores a new line right after <c>pre</c>, also one of the text; HTML, 13.2.6.4.7.</summary>
    private const string LostNewline = "\n";

    /// <summary>The sign-in form.</summary>
    /// <param name="layout">The layout.</param>
    /// <param name="token">The token of the form.</param>
    /// <param name="next">Where to go then: a path of this site.</param>
    /// <param name="problem">Why it is shown again; null for the first time.</param>
    /// <param name="user">The name that was typed.</param>
    public static string SignIn(Layout layout, string token, string next, string? problem = null, string user = "") =>
        layout.Write("Sign in", null, page =>
        {
            page.Add("""<h1>Sign in</h1>""");
            if (problem is not null)
                page.Add($"""<p class="problem" role="alert">{problem}</p>""");
            page.Add("""<form class="card" method="post" action="/sign-in">""");
            Layout.WriteToken(page, token);
            page.Add(
                $"""
                <input type="hidden" name="next" value="{next}">
                <label>User <input name="user" value="{user}" autocomplete="username" autocapitalize="none" spellcheck="false"
                required maxlength="256" autofocus></label>
                <label>Password <input type="password" name="password" autocomplete="current-password" required maxlength="1024"></label>
                <button class="main">Sign in</button></form>
                <p class="quiet">With your account of this machine. What you see and change here is what this account may.</p>
                """);
        });

    /// <summary>A failure in words.</summary>
    public static string Problem(Layout layout, Session? session, string words, string? back)
    {
        return layout.Write(words, session, page =>
        {
            page.Add($"""<h1>That did not work</h1><p class="problem" role="alert">{words}</p><p>""");
            if (back is not null)
                page.Add($"""<a href="{back}">Back to the folder</a> """);
            page.Add("""<a href="/files/">Home folder</a></p>""");
        });
    }

    /// <summary>Asks before entries are removed.</summary>
    public static string Delete(Layout layout, Session session, BytePath folder, IReadOnlyList<byte[]> names) =>
        layout.Write("Delete", session, page =>
        {
            page.Add($"""<h1>Delete {names.Count} from {folder.NameText}?</h1><ul class="names">""");
            foreach (byte[] name in names)
                page.Add($"<li><bdi>{UntrustedText.Escape(name)}</bdi></li>");
            page.Add(
                """
                </ul><p>A folder is deleted with everything in it. This cannot be undone.</p>
                <form method="post" action="/delete">
                """);
            WriteSelection(page, session, folder, names);
            page.Add($"""<button class="danger">Delete</button> <a class="button" href="/files/{folder.Segment}/">Cancel</a></form>""");
        });

    /// <summary>Asks for a new name.</summary>
    public static string Rename(Layout layout, Session session, BytePath folder, byte[] name) =>
        layout.Write("Rename", session, page =>
        {
            page.Add($"""<h1>Rename <bdi>{UntrustedText.Escape(name)}</bdi></h1><form class="card" method="post" action="/rename">""");
            WriteSelection(page, session, folder, [name]);
            page.Add(
                $"""
                <label>New name <input name="to" value="{System.Text.Encoding.UTF8.GetString(name)}" required maxlength="255"
                autocomplete="off" autocapitalize="none" spellcheck="false" autofocus></label>
                <p><button class="main">Rename</button> <a class="button" href="/files/{folder.Segment}/">Cancel</a></p></form>
                """);
        });

    private static void WriteSelection(HtmlWriter page, Session session, BytePath folder, IReadOnlyList<byte[]> names)
    {
        Layout.WriteToken(page, session.Token);
        page.Add($"""<input type="hidden" name="d" value="{folder.Segment}">""");
        foreach (byte[] name in names)
            page.Add($"""<input type="hidden" name="n" value="{BytePath.Encode(name)}">""");
    }

    /// <summary>A file: its text, its image, or neither.</summary>
    public static string Preview(Layout layout, Session session, BytePath path, Entry entry, Preview preview) =>
        layout.Write(path.NameText, session, page =>
        {
            ListingPage.WriteTrail(page, path);
            page.Add(
                $"""
                <h1><bdi>{path.NameText}</bdi></h1>
                <p class="quiet">{Amounts.Size(entry.Size)}, changed {Amounts.Time(entry.Modified)} (UTC), {entry.Owner}, {entry.Mode}</p>
                """);
            if (entry.IsFile)
                page.Add($"""<p><a class="button main" href="/download/{path.Segment}" download>Download</a></p>""");
            if (preview.IsImage)
                page.Add($"""<img class="preview" src="/image/{path.Segment}" alt="{path.NameText}">""");
            else if (preview.Text is { } text)
                page.Add($"""<pre tabindex="0" role="region" aria-label="Content">{LostNewline}{text}</pre>""");
            else
                page.Add("<p>There is no preview of this kind of file.</p>");
            if (preview.IsCut)
                page.Add($"""<p class="quiet">These are the first {Amounts.Size(Pages.Preview.MaxBytes)}.</p>""");
        });
}
