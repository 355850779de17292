#pragma warning disable IDE0130 // It is the client library's; it stands here since a request that is not valid is one of these.
namespace PipeForkAs.Client;
#pragma warning restore IDE0130

/// <summary>What keeps a request from being answered properly. How a job ended is no exception: see the end record.</summary>
public abstract class PipeForkAsException : Exception
{
    /// <summary>Makes one.</summary>
    /// <param name="message">For a person.</param>
    /// <param name="inner">The exception that caused it; null for none.</param>
    protected PipeForkAsException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
