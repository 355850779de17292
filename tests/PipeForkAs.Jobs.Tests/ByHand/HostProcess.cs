using System.Diagnostics;

namespace PipeForkAs.Jobs.Tests.ByHand;

/// <summary>A job host run by hand, on CoreCLR, in a separate process.</summary>
internal static class HostProcess
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    public static Task<Ended> StockAsync(params string[] args) => RunAsync("pipeforkas-jobs.dll", args, "");

    public static Task<Ended> TestAsync(params string[] args) => RunAsync("pipeforkas-test-jobs.dll", args, "");

    /// <summary>The test job host with a forbidden registration; see BadRegistration there.</summary>
    public static Task<Ended> BadAsync(string registration, params string[] args) =>
        RunAsync("pipeforkas-test-jobs.dll", args, "", registration);

    public static async Task<Ended> RunAsync(string host, string[] args, string input, string? registration = null)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, host), .. args])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PIPEFORKAS_TEST_REGISTRATION"] = registration;
        using var process = Process.Start(start)!;
        using var deadline = new CancellationTokenSource(Deadline);
        try
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            Task<string> error = process.StandardError.ReadToEndAsync(deadline.Token);
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            await process.WaitForExitAsync(deadline.Token);
            return new Ended(process.ExitCode, await output, await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{host} {string.Join(' ', args)} ran longer than {Deadline}");
        }
    }
}

internal sealed record Ended(int ExitCode, string Output, string Error);
