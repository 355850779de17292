using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json.Serialization;
using PipeForkAs.Jobs.Registration;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Jobs.Worker;

/// <summary>
/// Takes once, before the first fork, the way that every worker takes: static constructors, generic methods and interface calls are
/// resolved at their first use, and what is resolved here no worker resolves again. Only code of this library and of .NET: a job's own
/// code never runs as root. Nothing here may take the hash code of an object, as array pools and interpolated strings do: it
/// would start Random.Shared, which all workers would then share (the self-test finds it).
/// </summary>
internal static class WarmUp
{
    private static byte[] message = [];

    /// <summary>
    /// libc reads how names are looked up at the first look-up (nsswitch.conf(5)), and sees whether there is a name service cache daemon:
    /// what the job host has seen its workers need not see again. Group 0 is in the files.
    /// </summary>
    public static void NameServices()
    {
        try
        {
            Libc.getgrgid_name(new GroupId(0));
        }
        catch (SystemCallException)
        {
            // It is the job's to find, which looks up a name.
        }
    }

    /// <summary>
    /// What reading any job's arguments takes of .NET, as far as that needs no random state. The types of the arguments themselves are
    /// their worker's to make: the first of them would start the seeds of hash codes, which are each worker's own.
    /// </summary>
    public static void Json()
    {
        _ = JavaScriptEncoder.Default;
        _ = AppContext.TryGetSwitch("PipeForkAs.None", out _);

        // JSON asks each type for these attributes: where the program knows their array, the runtime need not make that type up.
        GC.KeepAlive(Array.Empty<JsonDerivedTypeAttribute>());
    }

    /// <summary>Makes the order that is taken.</summary>
    public static void MakeOrder()
    {
        var writer = new MessageWriter();
        var account = new Account("nobody", 65534, 65534, [65534], "/nonexistent", "/bin/sh");
        new WorkerOrder { Job = "warm-up", Account = account, Environment = [new("LANG", "C.UTF-8")] }.Encode(writer);
        message = writer.Written.ToArray();
    }

    /// <summary>Takes that way.</summary>
    public static void Run()
    {
        var reader = new MessageReader(message);
        WorkerOrder order = WorkerOrder.Decode(ref reader);

        // Not on each worker's way, but on that of most jobs: a number as text writes to the types' data, in their huge page, when it is
        // first made.
        _ = Encoding.ASCII.GetBytes(order.Limits.OomScoreAdjust.ToString(CultureInfo.InvariantCulture));

        // The environment is the job host's, which nobody reads any more; the function writes nothing to standard output.
        FunctionRunner.SetEnvironment(order);
        SandboxEntry.Enter(order);
        new TextJob(order.Job, static _ => "").Invoke(FunctionRunner.Context(order));
        new Returned(ReturnKind.Exited, "", "").Encode(new MessageWriter(64));
    }
}
