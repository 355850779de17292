using System.Text;

namespace PipeForkAs.Cli.Terminal;

/// <summary>The command's three streams: those of the process, or of a test.</summary>
/// <param name="OpenInput">Opens the input. Only a job that runs needs it.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
internal sealed record StreamSet(Func<Stream> OpenInput, Stream Output, Stream Error)
{
    public async Task WriteAsync(string text, CancellationToken cancellation)
    {
        await Output.WriteAsync(Encoding.UTF8.GetBytes(text), cancellation);
        await Output.FlushAsync(cancellation);
    }
}
