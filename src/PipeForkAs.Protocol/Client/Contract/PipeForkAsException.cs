namespace PipeForkAs.Client;

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
