namespace PipeForkAs.Files.Logging;

/// <summary>All messages of the page. They have no secrets, and no paths: the daemon's audit has those.</summary>
internal static partial class Log
{
    /// <summary>A user signed in.</summary>
    [LoggerMessage(1, LogLevel.Information, "{User} signed in")]
    public static partial void SignedIn(this ILogger logger, string user);

    /// <summary>A sign-in was refused.</summary>
    [LoggerMessage(2, LogLevel.Warning, "a sign-in as {User} was refused: {Code}")]
    public static partial void SignInRefused(this ILogger logger, string user, string code);

    /// <summary>A session ended.</summary>
    [LoggerMessage(3, LogLevel.Information, "a session of {User} ended: {Reason}")]
    public static partial void SessionEnded(this ILogger logger, string user, string reason);

    /// <summary>A ticket could not be ended.</summary>
    [LoggerMessage(4, LogLevel.Warning, "the ticket of {User} cannot be ended, and is valid until it expires: {Problem}")]
    public static partial void TicketLeft(this ILogger logger, string user, string problem);

    /// <summary>A job failed in a way that the user cannot change.</summary>
    [LoggerMessage(5, LogLevel.Error, "a request of {User} failed with status {Status}: {Problem}")]
    public static partial void RequestFailed(this ILogger logger, string user, int status, string problem);

    /// <summary>A connection is not the proxy's.</summary>
    [LoggerMessage(6, LogLevel.Warning, "uid {Uid} asked for a page with a user's name, but the proxy runs as uid {Expected}")]
    public static partial void NotTheProxy(this ILogger logger, uint uid, uint expected);

    /// <summary>A request came from a page of another site, or with a wrong token.</summary>
    [LoggerMessage(7, LogLevel.Warning, "a request was refused because it does not come from a page of this site")]
    public static partial void ForeignRequest(this ILogger logger);
}
