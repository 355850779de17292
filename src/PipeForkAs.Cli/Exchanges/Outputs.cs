using PipeForkAs.Cli.Terminal;

namespace PipeForkAs.Cli.Exchanges;

/// <summary>The outputs of a job, or the one output that takes the unchanged reply.</summary>
internal sealed record Outputs
{
    private Outputs(Output output, Output? error) => (Output, Error) = (output, error);

    /// <summary>Takes standard output, or the reply.</summary>
    public Output Output { get; }

    /// <summary>Takes standard error; null if <see cref="Output"/> takes the reply.</summary>
    public Output? Error { get; }

    public static Outputs Separate(Output output, Output error) => new(output, error);

    public static Outputs Frames(Output output) => new(output, null);
}
