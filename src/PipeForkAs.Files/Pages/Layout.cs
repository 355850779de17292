using PipeForkAs.Files.Html;
using PipeForkAs.Files.Sessions;
using PipeForkAs.Protocol;

namespace PipeForkAs.Files.Pages;

/// <summary>What all pages have: the head, the heading with the user, and the style.</summary>
internal sealed class Layout(string site)
{
    /// <summary>The heading of each page.</summary>
    public string Site => site;

    /// <summary>Writes a page.</summary>
    /// <param name="title">What the page is about.</param>
    /// <param name="session">The session; null if nobody is signed in.</param>
    /// <param name="body">Writes the content.</param>
    public string Write(string title, Session? session, Action<HtmlWriter> body)
    {
        var page = new HtmlWriter();
        page.Add(
            $"""
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><title>{title} - {site}</title>
            <meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
            <link rel="icon" href="{Asset.Icon.Path}"><link rel="stylesheet" href="{Asset.Style.Path}">
            <script defer src="{Asset.Script.Path}"></script></head><body>
            <a class="skip" href="#main">To the content</a>
            <header><a class="site" href="/">{site}</a>
            """);
        if (session is not null)
            WriteUser(page, session);
        page.Add("</header>\n<main id=\"main\" tabindex=\"-1\">\n");
        if (session?.TakeNotice() is { } notice)
            page.Add($"""<p class="problem" role="alert">{notice}</p>""");
        body(page);
        page.Add("</main></body></html>\n");
        return page.ToString();
    }

    /// <summary>Writes the token of a session as a field of a form.</summary>
    public static void WriteToken(HtmlWriter page, string token) =>
        page.Add($"""<input type="hidden" name="{OwnSite.TokenField}" value="{token}">""");

    private static void WriteUser(HtmlWriter page, Session session)
    {
        page.Add($"""<div class="user"><span>{UntrustedText.Excerpt(session.Account.Name, 40)}</span>""");
        if (session.Account.Ticket is not null)
        {
            page.Add("""<form method="post" action="/sign-out">""");
            WriteToken(page, session.Token);
            page.Add("<button>Sign out</button></form>");
        }

        page.Add("</div>");
    }
}
