using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json.Serialization;
using PipeForkAs.Jobs.Registration;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Jobs.Worker;

/// <summary>Runs the code path of a worker once, before the first fork. The runtime resolves static constructors, generic methods and
/// interface calls at their first use; workers do not resolve again what is resolved here. This runs only code of this library and of .NET:
/// a job's code never runs as root. This must not take the hash code of an object, as array pools and interpolated strings do: it would
/// start Random.Shared, which all workers would then share (the self-test finds it).
/// </summary>
internal static class WarmUp
{
    private static byte[] message = [];

    /// <summary>Makes libc read nsswitch.conf(5) and look for a name service cache daemon, which it does at the first look-up. The workers
    /// then need not do it again. Group 0 is in the local files.
    /// </summary>
    public static void NameServices()
    {
        try
        {
            Libc.getgrgid_name(new GroupId(0));
        }
        catch (SystemCallException)
        {
            // The job that looks up a name reports the failure.
        }
    }

    /// <summary>Warms up the parts of .NET that read the arguments of any job, as far as they need no random state. The worker creates the
    /// data for the types of the arguments: the first of them would create the seeds of hash codes, and each worker needs its own.
    /// </summary>
    public static void Json()
    {
        _ = JavaScriptEncoder.Default;
        _ = AppContext.TryGetSwitch("PipeForkAs.None", out _);

        // JSON reads these attributes of each type; if the program contains the type of their array, the runtime need not create it.
        GC.KeepAlive(Array.Empty<JsonDerivedTypeAttribute>());
    }

    /// <summary>Creates the order for the warm-up.</summary>
    public static void MakeOrder()
    {
        var writer = new MessageWriter();
        var account = new Account("nobody", 65534, 65534, [65534], "/nonexistent", "/bin/sh");
        new WorkerOrder { Job = "warm-up", Account = account, Environment = [new("LANG", "C.UTF-8")] }.Encode(writer);
        message = writer.Written.ToArray();
    }

    /// <summary>Runs the code path of a worker.</summary>
    public static void Run()
    {
        var reader = new MessageReader(message);
        WorkerOrder order = WorkerOrder.Decode(ref reader);

        // Not every worker does this, but most jobs do: the first conversion of a number to text writes to the types' data, in their huge
        // page.
        _ = Encoding.ASCII.GetBytes(order.Limits.OomScoreAdjust.ToString(CultureInfo.InvariantCulture));

        // The environment is the job host's, which nothing reads any more; the function writes nothing to standard output.
        FunctionRunner.SetEnvironment(order);
        SandboxEntry.Enter(order);
        new TextJob(order.Job, static _ => "").Invoke(FunctionRunner.Context(order));
        new Returned(ReturnKind.Exited, "", "").Encode(new MessageWriter(64));
    }
}
