namespace PipeForkAs.Jobs;

/// <summary>The arguments are not valid for the job: the client gets the code <c>bad-args</c> and the message. Jobs may throw it as well.
/// </summary>
public sealed class JobArgumentsException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What is wrong, and what would be right.</param>
    public JobArgumentsException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">What is wrong, and what would be right.</param>
    /// <param name="inner">The exception that reported the problem.</param>
    public JobArgumentsException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
