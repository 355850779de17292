namespace PipeForkAs.Fuzz.Driver;

/// <summary>A property is violated.</summary>
internal sealed class FindingException(string message) : Exception(message);
