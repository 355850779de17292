using System.Text;
using Microsoft.Net.Http.Headers;
using PipeForkAs.Files.Jobs;
using PipeForkAs.Files.Pages;
using PipeForkAs.Files.Paths;
using PipeForkAs.Files.Sessions;
using PipeForkAs.Protocol;

namespace PipeForkAs.Files.Endpoints;

/// <summary>Pages, and the headers of files.</summary>
internal static class Responses
{
    /// <summary>The key of the folder that a form is about, among the items of a request.</summary>
    public const string FolderOfForm = "folder";

    /// <summary>Sends a page.</summary>
    public static async Task PageAsync(HttpContext http, string page, int status = 200)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(page);
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/html; charset=utf-8";
        http.Response.ContentLength = bytes.Length;
        await http.Response.Body.WriteAsync(bytes, http.RequestAborted);
    }

    /// <summary>Sends a failure in words: as text to the script, as a page to all else.</summary>
    public static async Task ProblemAsync(HttpContext http, Layout layout, Session? session, FileProblem problem)
    {
        if (problem.Status == 503)
            http.Response.Headers.RetryAfter = "5";
        if (!IsOfScript(http.Request))
        {
            await PageAsync(http, SmallPages.Problem(layout, session, problem.Message, Back(http)), problem.Status);
            return;
        }

        if (problem.Kind is { } kind)
            http.Response.Headers["X-Files-Problem"] = kind;
        http.Response.StatusCode = problem.Status;
        http.Response.ContentType = "text/plain; charset=utf-8";
        await http.Response.WriteAsync(problem.Message, http.RequestAborted);
    }

    /// <summary>Whether the page's script sent the request.</summary>
    public static bool IsOfScript(HttpRequest request) => request.Headers.ContainsKey(OwnSite.TokenHeader);

    /// <summary>Makes the response a download: it is never a page of this site, whatever the file contains.</summary>
    public static void SetFileHeaders(HttpResponse response, string name, string type)
    {
        response.ContentType = type;
        response.Headers[HeaderNames.ContentSecurityPolicy] = "default-src 'none'; sandbox";
        var disposition = new ContentDispositionHeaderValue("attachment");
        disposition.SetHttpFileName(Harmless(name));
        response.Headers[HeaderNames.ContentDisposition] = disposition.ToString();
    }

    /// <summary>Replaces what changes the look or the end of a name.</summary>
    internal static string Harmless(string name)
    {
        var harmless = new StringBuilder(name.Length);
        foreach (Rune rune in name.EnumerateRunes())
        {
            string character = rune.ToString();
            harmless.Append(UntrustedText.Escape(character) == character && character is not ("/" or "\\" or "\"") ? character : "_");
        }

        return harmless.ToString();
    }

    /// <summary>The page of the folder that the request was about.</summary>
    private static string? Back(HttpContext http)
    {
        if (http.Items[FolderOfForm] is BytePath folder)
            return $"/files/{folder.Segment}/";
        return BytePath.TryParse((string?)http.Request.RouteValues["path"], out BytePath? path) && path.Parent is { } parent
            ? $"/files/{parent.Segment}/"
            : null;
    }
}
