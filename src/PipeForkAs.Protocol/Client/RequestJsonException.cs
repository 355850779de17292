using PipeForkAs.Client;

namespace PipeForkAs.Protocol.Client;

/// <summary>A request line is not the JSON of a request.</summary>
public sealed class RequestJsonException : RequestException
{
    internal RequestJsonException(long position, string problem, Exception? inner = null)
        : base($"not a valid request, at byte {position}: {problem}", inner)
    {
        Position = position;
        Problem = problem;
    }

    /// <summary>The byte of the line at which the fault begins; 1 is the first.</summary>
    public long Position { get; }

    /// <summary>What is wrong there.</summary>
    public string Problem { get; }
}
