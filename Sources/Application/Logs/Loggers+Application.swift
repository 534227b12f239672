import ApplicationLog
import Observability
import RPC

extension Loggers {
    /// The calls by which workers log.
    var service: RPCService {
        let standardError = self.standardError
        return ApplicationLogService(logger: self.app) { standardError.write($0) }.rpc
    }
}
