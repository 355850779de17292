using System.Text;
using PipeForkAs.Files.Jobs;
using PipeForkAs.Files.Logging;
using PipeForkAs.Files.Pages;
using PipeForkAs.Files.Sessions;
using PipeForkAs.Protocol;

namespace PipeForkAs.Files.Endpoints;

/// <summary>Sign-in by the daemon, and sign-out.</summary>
#pragma warning disable CA1001 // A semaphore whose wait handle nobody uses has nothing to dispose.
internal sealed class SignInEndpoints(
    SessionStore sessions, Entrance entrance, IPipeForkAsClient client, Layout layout, ILogger<SignInEndpoints> logger)
#pragma warning restore CA1001
{
    private const int MaxFormValues = 8;

    /// <summary>A name, a password, a token and a path, from clients that have not signed in.</summary>
    private const long MaxFormBytes = 32 * 1024;

    /// <summary>The most sign-ins at once; others wait. Each is a PAM conversation of the daemon.</summary>
    private readonly SemaphoreSlim slots = new(16, 16);

    /// <summary>Shows the form.</summary>
    public async Task ShowAsync(HttpContext http)
    {
        string next = http.Request.Query["next"].ToString();
        if (sessions.Find(http.Request.Cookies[OwnSite.SessionCookie]) is not null)
            http.Response.Redirect(OwnPath(next));
        else
            await ShowFormAsync(http, next, next.Length > 1 ? "Sign in to see this page." : null, "", 200);
    }

    /// <summary>Checks the name and the password of the form.</summary>
    public async Task SignInAsync(HttpContext http)
    {
        IFormCollection form;
        try
        {
            form = await FormReading.ReadAsync(http.Request, MaxFormValues, MaxFormBytes, http.RequestAborted);
        }
        catch (FileProblem problem)
        {
            await Responses.ProblemAsync(http, layout, null, problem);
            return;
        }

        string user = form["user"].ToString(), next = OwnPath(form["next"].ToString());
        if (OwnSite.IsForeign(http.Request, isPage: true)
            || !Secret.AreEqual(form[OwnSite.TokenField], http.Request.Cookies[OwnSite.FormCookie]))
        {
            logger.ForeignRequest();
            await ShowFormAsync(http, next, "The form was too old, or your browser refuses cookies. Sign in again.", user, 403);
            return;
        }

        byte[] password = Encoding.UTF8.GetBytes(form["password"].ToString());
        try
        {
            await slots.WaitAsync(http.RequestAborted);
            try
            {
                await BeginAsync(http, await client.SignInAsync(user, password, http.RequestAborted), next);
            }
            finally
            {
                slots.Release();
            }
        }
        catch (RequestRefusedException refusal)
        {
            logger.SignInRefused(UntrustedText.Excerpt(user, 40), refusal.Code.ToString());
            (string words, int status) = Explain(refusal);
            await ShowFormAsync(http, next, words, user, status);
        }
        catch (RequestException)
        {
            await ShowFormAsync(http, next, "This cannot be a name or a password.", user, 400);
        }
        catch (PipeForkAsException failure)
        {
            FileProblem problem = FileProblem.Of(failure);
            logger.RequestFailed(UntrustedText.Excerpt(user, 40), problem.Status, failure.Message);
            await ShowFormAsync(http, next, problem.Message, user, problem.Status);
        }
        finally
        {
            Array.Clear(password);
        }
    }

    /// <summary>Ends the session.</summary>
    public async Task SignOutAsync(Visit visit)
    {
        await visit.ReadFormAsync();
        await entrance.EndAsync(visit.Http, visit.Session, "the user signed out");
        visit.Http.Response.Redirect("/sign-in");
    }

    /// <summary>Returns a path of this site; what is none becomes the start page.</summary>
    internal static string OwnPath(string path) =>
        path.Length is > 0 and <= 8192 && path[0] == '/' && !path.StartsWith("//", StringComparison.Ordinal)
        && !path.AsSpan().ContainsAnyExceptInRange('!', '~') && !path.Contains('\\', StringComparison.Ordinal)
            ? path
            : "/";

    private static (string Words, int Status) Explain(RequestRefusedException refusal) => refusal.Code switch
    {
        ReplyCode.Denied => ("The sign-in failed. Check the name and the password.", 403),
        ReplyCode.Busy => ($"Wait before you try again: {UntrustedText.Escape(refusal.Result.Message ?? "too many tries")}.", 429),
        _ => ("The daemon of this machine cannot sign anybody in now.", 503),
    };

    private async Task BeginAsync(HttpContext http, SignInTicket ticket, string next)
    {
        if (sessions.Find(http.Request.Cookies[OwnSite.SessionCookie]) is { } former)
            await entrance.EndAsync(http, former, "the browser signed in again");
        (string id, Session session) = sessions.Create(new Account(ticket.User, ticket.Ticket), ticket.Expires);
        OwnSite.SetCookie(http.Response, OwnSite.SessionCookie, id);
        OwnSite.RemoveCookie(http.Response, OwnSite.FormCookie);
        logger.SignedIn(UntrustedText.Excerpt(session.Account.Name));
        http.Response.StatusCode = StatusCodes.Status303SeeOther;
        http.Response.Headers.Location = next;
    }

    private async Task ShowFormAsync(HttpContext http, string next, string? problem, string user, int status)
    {
        string token = http.Request.Cookies[OwnSite.FormCookie] is { Length: 43 } former ? former : Secret.Create();
        OwnSite.SetCookie(http.Response, OwnSite.FormCookie, token);
        string shown = user.Length <= 256 ? user : "";
        await Responses.PageAsync(http, SmallPages.SignIn(layout, token, OwnPath(next), problem, shown), status);
    }
}
