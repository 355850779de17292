namespace PipeForkAs.Client;

/// <summary>What keeps a request from being answered properly. How a job ended is no exception: see the end record.</summary>
public abstract class PipeForkAsException : Exception
{
    private protected PipeForkAsException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
