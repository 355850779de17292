namespace PipeForkAs.Client;

/// <summary>A request did not get a proper reply. The way in which a job ended is not an exception; see the end record.</summary>
public abstract class PipeForkAsException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">A message for people.</param>
    /// <param name="inner">The exception that caused it; null for none.</param>
    protected PipeForkAsException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
