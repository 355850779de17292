using System.Text;

using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client;

/// <summary>All that a job wrote, and how it ended.</summary>
/// <param name="Stdout">What it wrote to standard output.</param>
/// <param name="Stderr">What it wrote to standard error.</param>
/// <param name="End">How it ended.</param>
public sealed record JobOutput(ReadOnlyMemory<byte> Stdout, ReadOnlyMemory<byte> Stderr, EndRecord End)
{
    /// <summary><see cref="Stdout"/> as text; bytes that are no UTF-8 become U+FFFD.</summary>
    public string StdoutText => Encoding.UTF8.GetString(Stdout.Span);

    /// <summary><see cref="Stderr"/> as text; bytes that are no UTF-8 become U+FFFD.</summary>
    public string StderrText => Encoding.UTF8.GetString(Stderr.Span);
}
