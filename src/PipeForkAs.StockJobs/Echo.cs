namespace PipeForkAs.StockJobs;

/// <summary>The arguments of <c>echo</c>.</summary>
/// <param name="Text">The text.</param>
internal sealed record EchoArguments(string Text);

/// <summary>The job <c>echo</c>: arguments in, text out.</summary>
internal static class Echo
{
    public static string Say(EchoArguments arguments) => $"{arguments.Text}\n";
}
