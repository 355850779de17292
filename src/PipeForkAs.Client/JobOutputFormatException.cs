using System.Text.Json;

using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client;

/// <summary>A job succeeded, but its output is not the JSON that the caller expects.</summary>
public sealed class JobOutputFormatException : PipeForkAsException
{
    internal JobOutputFormatException(string? job, Type expected, JsonException? cause)
        : base($"the output of {Name(job)} is not JSON of {expected.Name}: {Problem(cause)}", cause) =>
        Expected = expected;

    /// <summary>The expected type.</summary>
    public Type Expected { get; }

    private static string Name(string? job) => job is null ? "the job" : $"the job {UntrustedText.Excerpt(job)}";

    private static string Problem(JsonException? cause) => cause is null ? "it is null" : UntrustedText.Excerpt(cause.Message);
}
