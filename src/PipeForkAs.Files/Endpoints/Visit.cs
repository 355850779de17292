using PipeForkAs.Files.Jobs;
using PipeForkAs.Files.Pages;
using PipeForkAs.Files.Paths;
using PipeForkAs.Files.Sessions;

namespace PipeForkAs.Files.Endpoints;

/// <summary>A request of a signed-in user.</summary>
internal sealed class Visit(HttpContext http, Session session, FileJobs jobs, Layout layout)
{
    private const int MaxFormValues = 1024;

    /// <summary>The request and its response.</summary>
    public HttpContext Http => http;

    /// <summary>The session.</summary>
    public Session Session => session;

    /// <summary>The user.</summary>
    public Account Account => session.Account;

    /// <summary>The jobs.</summary>
    public FileJobs Jobs => jobs;

    /// <summary>The layout of pages.</summary>
    public Layout Layout => layout;

    /// <summary>Ends the request's jobs when the browser disconnects.</summary>
    public CancellationToken Cancellation => http.RequestAborted;

    /// <summary>The path in the URL.</summary>
    /// <exception cref="FileProblem">There is none.</exception>
    public BytePath Path => BytePath.TryParse((string?)http.Request.RouteValues["path"], out BytePath? path)
        ? path
        : throw FileProblem.Of(400, "The address has no valid path");

    /// <summary>Reads a form, and refuses it without the token of the session.</summary>
    /// <exception cref="FileProblem">It is not a form of this session.</exception>
    public async Task<IFormCollection> ReadFormAsync()
    {
        IFormCollection form = await FormReading.ReadAsync(http.Request, MaxFormValues, null, Cancellation);
        RequireToken(form[OwnSite.TokenField]);
        return form;
    }

    /// <summary>Refuses a request without the token of the session.</summary>
    /// <exception cref="FileProblem">The token is another one.</exception>
    public void RequireToken(string? token)
    {
        if (!Secret.AreEqual(token, session.Token))
            throw FileProblem.Of(403, "The form is not one of this session; open the page again");
    }

    /// <summary>Responds with a page.</summary>
    public Task ShowAsync(string page, int status = 200) => Responses.PageAsync(http, page, status);

    /// <summary>Responds with the page of a folder, and what was done in it.</summary>
    public void ShowFolder(BytePath folder, string done, int count = 1) =>
        http.Response.Redirect($"/files/{folder.Segment}/?done={done}{(count > 1 ? FormattableString.Invariant($"&count={count}") : "")}");
}
