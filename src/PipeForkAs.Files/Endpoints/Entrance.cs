using PipeForkAs.Files.Jobs;
using PipeForkAs.Files.Logging;
using PipeForkAs.Files.Pages;
using PipeForkAs.Files.Sessions;
using PipeForkAs.Protocol;

namespace PipeForkAs.Files.Endpoints;

/// <summary>Finds the session of each request, and turns failures into words.</summary>
internal sealed class Entrance(
    SessionStore sessions, TicketEnding tickets, FileJobs jobs, Layout layout, TimeProvider time, ILogger<Entrance> logger,
    ProxyPeer? proxy = null)
{
    /// <summary>The life of a session that a proxy's header begins; each request of it has the header again.</summary>
    private static readonly TimeSpan ProxyTime = TimeSpan.FromHours(12);

    /// <summary>Makes a handler for signed-in users.</summary>
    /// <param name="handle">What it does.</param>
    /// <param name="isTransfer">Whether it takes as long as the user's network needs.</param>
    public RequestDelegate Signed(Func<Visit, Task> handle, bool isTransfer = false) => async http =>
    {
        if (OwnSite.IsForeign(http.Request, isPage: !isTransfer))
        {
            logger.ForeignRequest();
            await Responses.ProblemAsync(http, layout, null, FileProblem.Of(403, "The request comes from another site"));
            return;
        }

        if (FindSession(http) is not { } session)
        {
            await RefuseAsync(http);
            return;
        }

        try
        {
            await HandleAsync(new Visit(http, session, jobs, layout), handle, isTransfer);
        }
        catch (FileProblem problem)
        {
            await ExplainAsync(http, session, problem);
        }
        catch (Exception failure) when (http.RequestAborted.IsCancellationRequested && IsOfDisconnect(failure))
        {
            // The browser is gone: it cancelled an upload, or left a page. Nobody reads a reply.
        }
    };

    /// <summary>Ends a session at the user's request or because its ticket is not valid any more.</summary>
    public async Task EndAsync(HttpContext http, Session session, string reason)
    {
        sessions.End(session, reason);
        OwnSite.RemoveCookie(http.Response, OwnSite.SessionCookie);
        await tickets.EndTicketsAsync(CancellationToken.None);
    }

    private async Task HandleAsync(Visit visit, Func<Visit, Task> handle, bool isTransfer)
    {
        await visit.Session.EnterAsync(isTransfer, visit.Cancellation);
        try
        {
            await handle(visit);
        }
        finally
        {
            visit.Session.Leave(isTransfer, time.GetUtcNow());
        }
    }

    private static bool IsOfDisconnect(Exception failure) =>
        failure is OperationCanceledException or IOException or PipeForkAsException or BadHttpRequestException;

    private Session? FindSession(HttpContext http)
    {
        if (proxy is null)
            return sessions.Find(http.Request.Cookies[OwnSite.SessionCookie]);
        return proxy.UserOf(http) is { } user ? sessions.OfProxy(user, time.GetUtcNow() + ProxyTime) : null;
    }

    private async Task RefuseAsync(HttpContext http)
    {
        if (proxy is not null)
        {
            const string Words = "This page is open only through its proxy, which says who you are";
            await Responses.ProblemAsync(http, layout, null, FileProblem.Of(403, Words));
        }
        else if (Responses.IsOfScript(http.Request))
        {
            await Responses.ProblemAsync(http, layout, null, FileProblem.Of(401, "Your session has ended; sign in again"));
        }
        else
        {
            string next = HttpMethods.IsGet(http.Request.Method) ? http.Request.Path + http.Request.QueryString : "/";
            http.Response.Redirect($"/sign-in?next={Uri.EscapeDataString(next)}");
        }
    }

    private async Task ExplainAsync(HttpContext http, Session session, FileProblem problem)
    {
        bool isOver = problem.IsRefusal && session.Account.Ticket is not null
            && !await jobs.IsSignedInAsync(session.Account, http.RequestAborted);
        if (problem.Status >= 500)
            logger.RequestFailed(UntrustedText.Excerpt(session.Account.Name), problem.Status, Reason(problem));
        if (http.Response.HasStarted)
        {
            // A download without its end must not look whole.
            http.Abort();
            return;
        }

        http.Response.Headers.ContentDisposition = default;
        if (isOver)
        {
            await EndAsync(http, session, "the daemon does not accept its ticket any more");
            await RefuseAsync(http);
            return;
        }

        await Responses.ProblemAsync(http, layout, session, problem);
    }

    /// <summary>The reason for the log, without the path.</summary>
    private static string Reason(FileProblem problem) =>
        problem.Result is { } result ? $"{result.Job}: {result.Code} {problem.Kind}" : problem.InnerException?.Message ?? problem.Message;
}
