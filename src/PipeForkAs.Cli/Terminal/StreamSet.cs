using System.Text;

namespace PipeForkAs.Cli.Terminal;

/// <summary>The command's three streams: those of the process, or a test's.</summary>
/// <param name="OpenInput">Opens the input. Only a job that runs has a use for it.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
internal sealed record StreamSet(Func<Stream> OpenInput, Stream Output, Stream Error)
{
    /// <summary>Writes a text to standard output.</summary>
    public async Task WriteAsync(string text, CancellationToken cancellation)
    {
        await Output.WriteAsync(Encoding.UTF8.GetBytes(text), cancellation);
        await Output.FlushAsync(cancellation);
    }
}
