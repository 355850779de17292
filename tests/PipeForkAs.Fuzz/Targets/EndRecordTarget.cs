using System.Text.Json;
using PipeForkAs.Fuzz.Driver;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Fuzz.Targets;

/// <summary>The end record as a client reads it.</summary>
internal sealed class EndRecordTarget : Target
{
    public override string Name => "end-record";

    public override int MaxLength => 2048;

    public override void Try(Trial trial)
    {
        EndRecord record;
        try
        {
            record = trial.Measured(() => EndRecord.Parse(trial.Input));
        }
        catch (JsonException)
        {
            return;
        }

        trial.Accept();
        byte[] written = trial.Measured(record.ToJson);
        EndRecord again = EndRecord.Parse(written);
        Trial.Holds(record == again, $"written and read again, {record} is {again}");
    }
}
