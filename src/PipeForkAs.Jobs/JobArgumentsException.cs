namespace PipeForkAs.Jobs;

/// <summary>
/// The arguments are not what the job takes: the client is told <c>bad-args</c> with the message. Jobs may throw it as well.
/// </summary>
public sealed class JobArgumentsException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="message">What is wrong, and what would be right.</param>
    public JobArgumentsException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception.</summary>
    /// <param name="message">What is wrong, and what would be right.</param>
    /// <param name="inner">What found it.</param>
    public JobArgumentsException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
