using System.Text.Json.Nodes;
using PipeForkAs.EndToEnd.Harness;

namespace PipeForkAs.EndToEnd.Faults;

/// <summary>A system call that fails, or has no effect, for the job host and its workers.</summary>
/// <param name="Number">The call's number on x86-64.</param>
/// <param name="Errno">What it returns; 0: success without effect.</param>
/// <param name="Arguments">Which arguments it must have, as "INDEX=VALUE"; empty for any.</param>
internal sealed record Fault(int Number, int Errno, string Arguments = "");

/// <summary>Starts a job host with a seccomp filter: the kernel injects the faults, so the product needs no test hooks.</summary>
internal static class FaultyKernel
{
    /// <summary>Starts a daemon whose only job host, the test jobs unless another is named, has these faults.</summary>
    public static Task<DaemonProcess> StartDaemonAsync(
        IReadOnlyList<Fault> faults, Action<JsonObject>? configure = null, string? host = null) =>
        DaemonProcess.StartAsync(configuration =>
    {
        string folder = Path.GetDirectoryName(configuration["Socket"]!["Path"]!.GetValue<string>())!;
        string source = Path.Combine(AppContext.BaseDirectory, "Faults", "faulty_kernel.c"), program = Path.Combine(folder, "faulty-host");
        CProgram.BuildAsync(source, program).GetAwaiter().GetResult();
        File.WriteAllLines(
            $"{program}.fault",
            [host ?? NativeBuild.TestJobs, .. faults.Select(fault => $"{fault.Number} {fault.Errno} {fault.Arguments}")]);
        configuration["JobHosts"] = new JsonArray(new JsonObject { ["Path"] = program, ["Workers"] = 1 });
        configure?.Invoke(configuration);
    });

    /// <summary>Starts a daemon that has these faults itself, like its job hosts.</summary>
    public static async Task<DaemonProcess> LaunchDaemonAsync(string folder, JsonObject configuration, IReadOnlyList<Fault> faults) =>
        DaemonProcess.Launch(folder, configuration, await MakeDaemonAsync(folder, faults));

    /// <summary>Makes an executable that is the daemon's with these faults, and returns its path.</summary>
    public static async Task<string> MakeDaemonAsync(string folder, IReadOnlyList<Fault> faults)
    {
        string source = Path.Combine(AppContext.BaseDirectory, "Faults", "faulty_kernel.c"),
            program = Path.Combine(folder, "faulty-daemon");
        await CProgram.BuildAsync(source, program);
        await File.WriteAllLinesAsync(
            $"{program}.fault", [NativeBuild.Daemon, .. faults.Select(fault => $"{fault.Number} {fault.Errno} {fault.Arguments}")]);
        return program;
    }
}
