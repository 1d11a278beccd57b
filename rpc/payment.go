package rpc

import (
	"context"
	"errors"
	"math/big"

	"github.com/sepia-chain/sepia/internal/scale"
)

// dispatchInfo is the answer of payment_queryInfo. The fee is a decimal string, since it may exceed what JavaScript
// counts exactly.
type dispatchInfo struct {
	Weight     weight `json:"weight"`
	Class      string `json:"class"`
	PartialFee string `json:"partialFee"`
}

type weight struct {
	RefTime   uint64 `json:"ref_time"`
	ProofSize uint64 `json:"proof_size"`
}

type feeDetails struct {
	InclusionFee *inclusionFee `json:"inclusionFee"` // null for what pays no fee
}

type inclusionFee struct {
	BaseFee           string `json:"baseFee"`
	LenFee            string `json:"lenFee"`
	AdjustedWeightFee string `json:"adjustedWeightFee"`
}

func (s *Server) queryInfo(ctx context.Context, a args) (any, error) {
	output, err := s.paymentCall(ctx, a, "TransactionPaymentApi_query_info")
	if err != nil {
		return nil, err
	}
	d := scale.NewDecoder(output)
	info := dispatchInfo{Weight: weight{RefTime: d.Compact(), ProofSize: d.Compact()}}
	class := d.U8()
	info.PartialFee = d.U128().String()
	names := [...]string{"normal", "operational", "mandatory"}
	if d.Finish() != nil || int(class) >= len(names) {
		return nil, undecodableFee(CodePaymentRuntimeFailed, "the runtime answered with something else")
	}
	info.Class = names[class]
	return info, nil
}

func (s *Server) queryFeeDetails(ctx context.Context, a args) (any, error) {
	output, err := s.paymentCall(ctx, a, "TransactionPaymentApi_query_fee_details")
	if err != nil {
		return nil, err
	}
	d := scale.NewDecoder(output)
	var details feeDetails
	if d.Bool() {
		details.InclusionFee = &inclusionFee{BaseFee: hexNumber(d.U128()), LenFee: hexNumber(d.U128()), AdjustedWeightFee: hexNumber(d.U128())}
	}
	d.U128() // the tip, which this method does not show
	if d.Finish() != nil {
		return nil, undecodableFee(CodePaymentRuntimeFailed, "the runtime answered with something else")
	}
	return details, nil
}

// paymentCall runs a fee query of the runtime, whose arguments are the extrinsic and its length.
func (s *Server) paymentCall(ctx context.Context, a args, name string) ([]byte, error) {
	extrinsic, _ := arg[[]byte](a, 0)
	if err := checkExtrinsic(extrinsic); err != nil {
		return nil, undecodableFee(CodePaymentUndecodable, err.Error())
	}
	input := append([]byte(nil), extrinsic...)
	input = scale.AppendU32(input, uint32(len(extrinsic)))
	at := s.blockArg(a, 1)
	output, err := s.chain.Call(ctx, at, name, input)
	var call *CallError
	if errors.As(err, &call) {
		return nil, undecodableFee(CodePaymentRuntimeFailed, call.Text)
	}
	if err != nil {
		return nil, stateError(err, at)
	}
	return output, nil
}

func undecodableFee(code int, why string) *Error {
	return &Error{code, "Unable to query dispatch info.", why}
}

func hexNumber(n *big.Int) string { return "0x" + n.Text(16) }
